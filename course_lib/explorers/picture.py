"""The picture of an explorer whose plane can be clicked: it shows a PNG and says where it was pressed.

ipywidgets' own Image says nothing of clicks, so this is a front end of our own: thirty lines of JavaScript, sent by
anywidget, nothing fetched from anywhere. Whatever a click does can also be done by a control, from the keyboard.
"""

from collections.abc import Callable

import anywidget
import traitlets


class ClickablePicture(anywidget.AnyWidget):
    """A PNG that reports clicks.

    Args:
        width: in screen pixels.
        clicked: called with (x, y, other): the place in shares of the picture, from its upper left corner, and whether
            shift was held or the right button used.
        value: the PNG's bytes.
    """

    _esm = """
    function render({ model, el }) {
      const image = document.createElement("img");
      image.style.maxWidth = "100%";
      image.style.cursor = "crosshair";
      image.draggable = false;
      const show = () => {
        image.style.width = model.get("width") + "px";
        const bytes = model.get("value");
        if (bytes.byteLength === 0) return;
        const before = image.src;
        image.src = URL.createObjectURL(new Blob([bytes], { type: "image/png" }));
        if (before) URL.revokeObjectURL(before);
      };
      const press = (event) => {
        event.preventDefault();
        event.stopPropagation();  // or the right button would open the menu of JupyterLab
        const frame = image.getBoundingClientRect();
        model.send({
          x: (event.clientX - frame.left) / frame.width,
          y: (event.clientY - frame.top) / frame.height,
          other: event.shiftKey || event.type === "contextmenu",
        });
      };
      image.addEventListener("click", press);
      image.addEventListener("contextmenu", press);
      model.on("change:value", show);
      show();
      el.append(image);
    }
    export default { render };
    """

    value = traitlets.Bytes(b"").tag(sync=True)
    width = traitlets.Int().tag(sync=True)

    def __init__(self, *, width: int, clicked: Callable[[float, float, bool], None]):
        super().__init__(width=width)
        self.on_msg(lambda _picture, said, _buffers: clicked(float(said["x"]), float(said["y"]), bool(said["other"])))
