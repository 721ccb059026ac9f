from course_lib import progress
from course_lib.recall import Question, from_memory, surprised, warm_up

QUESTIONS = [Question(f"q{n}", section, f"question {n}?", f"answer {n}.") for n, section in enumerate("0012")]


def ids(recall):
    return [question.id for question in recall.questions]


def box_of(recall):
    rows = [recall._row(number, question) for number, question in enumerate(recall.questions, 1)]
    return rows


def test_a_section_closes_with_its_own_questions(progress_path):
    assert ids(from_memory(QUESTIONS, "0")) == ["q0", "q1"]


def test_a_section_opens_with_what_was_missed_then_with_the_latest_that_was_never_asked(progress_path):
    assert ids(warm_up(QUESTIONS, "2")) == ["q2", "q1"]
    progress.note_recall("q2", True)
    assert ids(warm_up(QUESTIONS, "2")) == ["q1", "q0"]
    progress.note_recall("q0", False)
    assert ids(warm_up(QUESTIONS, "2")) == ["q0", "q1"]
    assert ids(warm_up(QUESTIONS, "1")) == ["q0", "q1"]  # nothing from this section or a later one


def test_the_answer_shows_when_asked_for_and_the_judgement_is_kept(progress_path):
    row = box_of(from_memory(QUESTIONS, "0"))[0]
    words, show = row.children
    assert "question 0?" in words.value and "answer 0." not in words.value
    show.click()
    assert "answer 0." in words.value
    _, judge = row.children
    judge.children[1].click()
    assert progress.recalled() == {"q0": False}
    assert "asked again" in words.value


def test_the_page_without_a_kernel_asks_and_does_not_answer(progress_path):
    data = from_memory(QUESTIONS, "0")._repr_mimebundle_()
    assert "question 1?" in data["text/plain"] and "answer" not in data["text/plain"]


def test_a_surprise_is_asked_again_until_it_is_had(progress_path):
    assert not surprised().questions and "Nothing so far" in str(surprised())
    progress.note_prediction("test.bar", "How high?", "low", True, "high")
    progress.note_prediction("test.foo", "How wide?", "wide", True, "wide")
    (question,) = surprised().questions
    assert question.text == "How high?" and "«high»" in question.answer and "sure of it" in question.answer
    progress.note_recall(question.id, False)
    assert len(surprised().questions) == 1
    progress.note_recall(question.id, True)
    assert not surprised().questions
