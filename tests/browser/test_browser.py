"""What a learner sees in JupyterLab: a clean first screen, and the gate explorer moving under the keyboard."""

import re
from contextlib import contextmanager

import pytest
from playwright.sync_api import expect

from course_lib.paths import repository

pytestmark = pytest.mark.browser
SECOND = 1000.0  # playwright counts in milliseconds
RUN_ALL = """
    async () => {
        await window.jupyterapp.shell.currentWidget.sessionContext.ready;  // without a kernel, nothing would run
        return await window.jupyterapp.commands.execute('notebook:run-all-cells');
    }
"""
PROBLEMS = """
    [...document.querySelectorAll(
        '.course-error, .jp-RenderedText[data-mime-type="application/vnd.jupyter.error"],' +
        '.jp-RenderedText[data-mime-type="application/vnd.jupyter.stderr"]'),
     ...[...document.querySelectorAll('.jp-OutputArea-output')].filter(
        output => /error displaying widget|model not found/i.test(output.textContent))
    ].map(found => found.textContent.trim().slice(0, 300))
"""


def open_notebook(page, address, path):
    """Open a notebook alone, in a workspace of its own: the default one brings back what was open before."""
    workspace = path.rpartition("/")[2].partition(".ipynb")[0].replace(".", "-")
    page.goto(f"{address}/lab/workspaces/{workspace}/tree/{path}", wait_until="domcontentloaded")
    page.locator(".jp-Notebook .jp-Cell").first.wait_for(timeout=60 * SECOND)


def run_all(page):
    """Run all cells and wait for the last; every one must succeed."""
    assert page.evaluate(RUN_ALL) is True


def problems_anywhere(page):
    """Errors in outputs and widgets, all the way down the page: JupyterLab draws only what has come near the screen."""
    scroller, problems, top, height = page.locator(".jp-WindowedPanel-outer").first, [], 0, 1
    while top < height:
        height = scroller.evaluate("(panel, top) => (panel.scrollTo(0, top), panel.scrollHeight)", top)
        page.wait_for_timeout(0.2 * SECOND)
        problems += page.evaluate(PROBLEMS)
        top += 600
    return problems


def test_opens_clean(lab, page):
    page.goto(lab, wait_until="domcontentloaded")
    expect(page.locator(".jp-Notebook .jp-Cell").first).to_be_visible(timeout=60 * SECOND)
    page.wait_for_timeout(2 * SECOND)  # for what would come uninvited
    assert page.locator(".jp-Launcher, .jp-Dialog, .Toastify__toast").count() == 0
    tabs = page.locator("#jp-main-dock-panel .lm-TabBar-tabLabel")
    assert tabs.all_text_contents() == ["00_start_here.ipynb"]
    chapters = page.locator(".jp-DirListing-itemName").all_text_contents()
    assert "04_recurrent" in chapters
    assert "00_start_here.ipynb" in chapters


def test_the_start_pages_explorer_answers(lab, page):
    open_notebook(page, lab, "00_start_here.ipynb")
    run_all(page)
    explorer = page.locator(".course-explorer").first
    assert problems_anywhere(page) == []
    push(page, explorer, explorer.locator(".noUi-handle").first)


def test_the_gate_explorer_moves_under_the_keyboard(lab, page):
    open_section(page, lab, "4.3_lstm_gates")
    predict(page)
    explorer = last_explorer(page, "value")
    with moving(explorer):
        explorer.locator(".course-control-clamp select").select_option("write")
    push(page, explorer, explorer.locator(".course-control-value .noUi-handle"))
    explorer.screenshot(path=repository() / "build" / "browser" / "gate_explorer.png")  # the README's picture


@pytest.mark.parametrize(
    ("section", "control"),
    [
        ("1.1_dimensions", "order"),
        ("1.2_dataflow_graphs", "step"),
        ("1.3_eager_and_compiled", "step"),
        ("1.4_devices", "size"),
        ("2.1_perceptron", "gap"),
        ("2.2_activations", "gain"),
        ("2.3_backpropagation", "x1"),
        ("2.4_gradient_descent", "rate"),
        ("2.5_deep_networks", "gain"),
        ("2.6_depth", "depth"),
        ("2.8_limits", "eps"),
        ("2.9_cost", "pruned"),
        ("4.1_state_and_time", "nudge"),
        ("4.2_vanishing_and_exploding", "scale"),
        ("4.4_gru_and_memory", "word"),
        ("4.5_next_word", "order"),
        ("4.6_lstm_language_model", "temperature"),
        ("4.7_attention", "sharpness"),
    ],
)
def test_a_section_runs_and_its_explorers_answer(lab, page, section, control):
    open_section(page, lab, section)
    predict(page)
    explorer = last_explorer(page, control)
    push(page, explorer, explorer.locator(f".course-control-{control} .noUi-handle"))
    for walk in page.locator(".course-explorer:has(.course-control-steps)").filter(visible=True).all():
        step, handle = walk.get_by_role("button", name="Step"), walk.locator(".course-control-steps .noUi-handle")
        if handle.get_attribute("aria-valuenow") == handle.get_attribute("aria-valuemax"):  # it stands at its end
            with moving(walk):
                handle.press("Home")
        at = float(handle.get_attribute("aria-valuenow"))
        for _ in range(2):
            with moving(walk):
                step.press("Enter")
        expect(handle).to_have_attribute("aria-valuenow", f"{at + 2}")


def test_the_playground_trains_and_takes_points_by_a_click(lab, page):
    open_section(page, lab, "2.1_perceptron")
    playground = page.locator(".course-explorer:has(.course-control-activation):has(.course-control-own)").first
    points = playground.locator(".course-control-own input")
    handle = playground.locator(".course-control-step .noUi-handle")
    picture, width = playground.locator(".course-picture img"), 880
    with moving(playground):
        scale = picture.bounding_box()["width"] / width
        picture.click(position={"x": 716 * scale, "y": 186 * scale})  # the middle of the plane
    with moving(playground):
        picture.click(position={"x": 791 * scale, "y": 186 * scale}, modifiers=["Shift"])
    set_points = [tuple(map(float, point.split())) for point in points.input_value().split(";")]
    assert set_points == [pytest.approx((0, 0, 1), abs=0.02), pytest.approx((0.6, 0, 0), abs=0.02)]
    with moving(playground):
        playground.locator(".widget-play button").first.click()
        page.wait_for_function("handle => handle.getAttribute('aria-valuenow') >= 100", arg=handle.element_handle())
    playground.locator(".widget-play button").first.click()
    page.wait_for_timeout(SECOND)
    at = handle.get_attribute("aria-valuenow")
    page.wait_for_timeout(SECOND)
    expect(handle).to_have_attribute("aria-valuenow", at)
    assert page.evaluate(PROBLEMS) == []


def open_section(page, address, section):
    """Open a section and run it; nothing in it may fail."""
    notebooks = repository() / "notebooks"
    (notebook,) = notebooks.glob(f"*/{section}.ipynb")
    open_notebook(page, address, notebook.relative_to(notebooks).as_posix())
    run_all(page)
    assert problems_anywhere(page) == []


def predict(page):
    """Answer the section's prediction: its controls are locked before, and open after."""
    asked = page.locator(".course-explorer:has(.course-prediction)").first
    controls = asked.locator(".noUi-target, select").filter(visible=True).all()
    assert controls
    for control in controls:
        expect(control).to_have_attribute("disabled", re.compile(".*"))
    options = asked.locator(".course-prediction .widget-toggle-buttons button")
    for option in options.all():
        assert option.evaluate("button => button.scrollWidth <= button.clientWidth"), "an answer's words are cut off"
    options.first.click()
    asked.get_by_role("button", name="Show me").click()
    expect(asked.get_by_text("You said")).to_be_visible(timeout=20 * SECOND)
    for control in controls:
        expect(control).not_to_have_attribute("disabled", re.compile(".*"))


def last_explorer(page, control):
    """The last explorer that has this control and asks nothing, of those that are not folded away."""
    explorers = page.locator(".course-explorer:not(:has(.course-prediction))").filter(visible=True)
    return explorers.filter(has=page.locator(f".course-control-{control}")).last


def push(page, explorer, handle):
    """Push a slider by its arrow keys; its number and the explorer's picture must follow."""
    at = handle.get_attribute("aria-valuetext")  # aria-valuenow has one digit behind the point
    at_its_end = handle.get_attribute("aria-valuenow") == handle.get_attribute("aria-valuemax")
    key = "ArrowLeft" if at_its_end else "ArrowRight"
    with moving(explorer):
        handle.focus()
        for _ in range(3):
            page.keyboard.press(key)
    expect(handle).not_to_have_attribute("aria-valuetext", at)
    assert page.evaluate(PROBLEMS) == []
    explorer.evaluate("explorer => explorer.scrollIntoView()")  # for the picture that is kept


@contextmanager
def moving(explorer):
    """The explorer's picture must change by what is done inside; a sentence stands under it before and after."""
    picture, sentence = explorer.locator("img.course-picture, .course-picture img"), explorer.locator("[role=status]")
    explorer.scroll_into_view_if_needed()
    source = picture.get_attribute("src")
    expect(sentence).not_to_be_empty()
    yield
    expect(picture).not_to_have_attribute("src", source, timeout=20 * SECOND)
    expect(sentence).not_to_be_empty()
