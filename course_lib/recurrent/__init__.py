"""The chapter on recurrent networks: its models, explorers and exercises."""
