"""The tensor chapter's room: arrays of any order, graphs of operations, devices, eager execution."""
