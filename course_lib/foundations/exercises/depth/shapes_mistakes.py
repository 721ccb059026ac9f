"""The mistakes that `input_shape` and `output_shape` are known for."""

from collections.abc import Callable

from course_lib.exercises import mistake
from course_lib.foundations.exercises.depth.shapes import LATENT, Options, Shape, shapes


def right_output(task: str, n: int, c: int, h: int, w: int, options: Options) -> Shape:
    """The usual shape."""
    match task:
        case "classification":
            return n, options["classes"]
        case "detection":
            return n, options["boxes"], 4 + options["classes"]
        case "segmentation":
            return n, options["classes"], h, w
        case "super-resolution":
            return n, c, options["scale"] * h, options["scale"] * w
    return n, c, h, w


def right_input(task: str, n: int, c: int, h: int, w: int, options: Options) -> Shape:
    """The usual shape."""
    return (n, options[LATENT]) if task == "generation" else (n, c, h, w)


def wrong_output(task: str, name: str, *, ask: str, look: str) -> Callable[[Callable], Callable]:
    """Declare a mistake of `output_shape` in one task; the function is given n, c, h, w and the options by name."""

    def declare(shape: Callable[..., Shape]) -> Callable:
        @mistake(shapes, name, call="output_shape", ask=ask, look=look)
        def _(wanted, n, c, h, w, options):
            return shape(n, c, h, w, **options) if wanted == task else right_output(wanted, n, c, h, w, options)

        return shape

    return declare


LABEL = "A network is trained on scores. How many does it need to choose one of five classes?"
PIXEL = "How many answers does a picture of 8 × 10 pixels get, if every pixel gets one?"
SHARPER = "A photograph in red, green and blue grows to twice its height and width. Which colours are added?"
BOX = "Where is the box, and what is in it: how many numbers does it take to say both?"


@wrong_output(
    "classification",
    "a classification that gives one label for each picture, and no scores",
    ask=LABEL,
    look="the classes: each has a score, and the label is taken from them afterwards.",
)
def _(n, c, h, w, classes):
    return (n,)


@wrong_output(
    "segmentation",
    "a segmentation that gives one answer for each picture",
    ask=PIXEL,
    look="height and width: segmentation says of every pixel what it belongs to.",
)
def _(n, c, h, w, classes):
    return n, classes


@wrong_output(
    "segmentation",
    "a segmentation that gives one label for each pixel, and no scores",
    ask=LABEL,
    look="the channels: there is one for each class.",
)
def _(n, c, h, w, classes):
    return n, h, w


@wrong_output(
    "segmentation",
    "a segmentation that keeps the channels of the picture",
    ask="What do the channels of the output say: how red a pixel is, or what it belongs to?",
    look="the channels: there is one for each class.",
)
def _(n, c, h, w, classes):
    return n, c, h, w


@wrong_output(
    "segmentation",
    "a segmentation with its classes at the end",
    ask="Where does nn.Conv2d put its channels?",
    look="the order: PyTorch keeps batch, channels, height, width.",
)
def _(n, c, h, w, classes):
    return n, h, w, classes


@wrong_output(
    "detection",
    "boxes that nobody says what is in",
    ask=BOX,
    look="the last size: four numbers place a box, and the classes have scores.",
)
def _(n, c, h, w, boxes, classes):
    return n, boxes, 4


@wrong_output(
    "detection",
    "classes that nobody says where they are",
    ask=BOX,
    look="the last size: four numbers place a box, and the classes have scores.",
)
def _(n, c, h, w, boxes, classes):
    return n, boxes, classes


@wrong_output(
    "detection",
    "a box with one number for what is in it",
    ask=LABEL,
    look="the last size: there is a score for each class beside the four numbers that place a box.",
)
def _(n, c, h, w, boxes, classes):
    return n, boxes, 5


@wrong_output(
    "detection",
    "four numbers for each class, where a box has four in all",
    ask="Does the place of a box depend on what is in it, the way it is asked for here?",
    look="4 and the classes: a sum, not a product.",
)
def _(n, c, h, w, boxes, classes):
    return n, boxes, 4 * classes


@wrong_output(
    "detection",
    "one box for each picture",
    ask="A street with three cars: how many boxes are wanted?",
    look="the boxes: they have an axis of their own.",
)
def _(n, c, h, w, boxes, classes):
    return n, 4 + classes


@wrong_output(
    "detection",
    "all boxes of a picture in one row",
    ask="Which of these numbers belong to the second box?",
    look="the boxes: they have an axis of their own.",
)
def _(n, c, h, w, boxes, classes):
    return n, boxes * (4 + classes)


@wrong_output(
    "super-resolution",
    "a super-resolution that multiplies the channels",
    ask=SHARPER,
    look="the channels: what grows is the number of pixels.",
)
def _(n, c, h, w, scale):
    return n, scale * c, scale * h, scale * w


@wrong_output(
    "super-resolution",
    "a super-resolution that multiplies the channels in place of height and width",
    ask=SHARPER,
    look="the channels: what grows is height and width.",
)
def _(n, c, h, w, scale):
    return n, scale * c, h, w


@wrong_output(
    "super-resolution",
    "channels that wait to be shuffled into pixels",
    ask="What does nn.PixelShuffle make of these channels, and is that the picture that was asked for?",
    look="the channels: scale ** 2 times as many is what a network has one layer before its picture.",
)
def _(n, c, h, w, scale):
    return n, scale**2 * c, h, w


@wrong_output(
    "super-resolution",
    "a super-resolution that leaves the picture as small as it was",
    ask="Which of the options says by how much the picture grows?",
    look="height and width: each is multiplied by the scale.",
)
def _(n, c, h, w, scale):
    return n, c, h, w


@wrong_output(
    "super-resolution",
    "a scale of the area on both sides",
    ask="A picture with a scale of 2: how often is its height in the new height?",
    look="the power: the scale belongs to a side, so the area grows by its square.",
)
def _(n, c, h, w, scale):
    return n, c, scale**2 * h, scale**2 * w


@wrong_output(
    "style transfer",
    "a style transfer that gives the style back as well",
    ask="A photograph becomes a painting. How many pictures come out?",
    look="the channels: the new picture alone is wanted.",
)
def _(n, c, h, w):
    return n, 2 * c, h, w


@wrong_output(
    "generation",
    "a generation that hands on its noise",
    ask="A generator has run. What would you like to look at?",
    look="generation: noise goes in, and a picture comes out.",
)
def _(n, c, h, w, noise):
    return n, noise


@mistake(
    shapes,
    "shapes without the batch",
    call="output_shape",
    ask="Two pictures go in at once. Where are two answers?",
    look="n: it is the first size of whatever goes through a network.",
)
def _(task, n, c, h, w, options):
    return right_output(task, n, c, h, w, options)[1:]


@mistake(
    shapes,
    "pictures with their channels at the end",
    call="output_shape",
    ask="In which order does nn.Conv2d want batch, channels, height and width?",
    look="the order: Matplotlib wants the channels last, PyTorch second.",
)
def _(task, n, c, h, w, options):
    shape = right_output(task, n, c, h, w, options)
    return shape if len(shape) < 4 else (shape[0], *shape[2:], shape[1])


@mistake(
    shapes,
    "pictures whose height and width are exchanged",
    call="output_shape",
    ask="A portrait goes in. Does a landscape come out?",
    look="the order of the last two sizes.",
)
def _(task, n, c, h, w, options):
    shape = right_output(task, n, c, h, w, options)
    return shape if len(shape) < 4 else (*shape[:2], *shape[:1:-1])


@mistake(
    shapes,
    "a generation that demands a picture",
    call="input_shape",
    ask="Where would a generator get the picture from that it is to invent?",
    look="generation: which of the options says what goes in?",
)
def _(task, n, c, h, w, options):
    return n, c, h, w


@mistake(
    shapes,
    "a generation that starts from noise as large as its picture",
    call="input_shape",
    ask="How many random numbers does the option `noise` speak of, and how many has your shape?",
    look="generation: a row of noise for each picture, as long as the option says.",
)
def _(task, n, c, h, w, options):
    return (n, options[LATENT], h, w) if task == "generation" else (n, c, h, w)


@mistake(
    shapes,
    "a super-resolution that is given the large picture already",
    call="input_shape",
    ask="The large picture is what is wanted. What is there before?",
    look="super-resolution: n, c, h and w are those of the picture that goes in.",
)
def _(task, n, c, h, w, options):
    by = options.get("scale", 1)
    return right_input(task, n, c, by * h, by * w, options)


@mistake(
    shapes,
    "inputs without the batch",
    call="input_shape",
    ask="Two pictures go in at once. Where does your shape say so?",
    look="n: it is the first size of whatever goes through a network.",
)
def _(task, n, c, h, w, options):
    return right_input(task, n, c, h, w, options)[1:]


@mistake(
    shapes,
    "inputs that are stretched to one long row",
    call="input_shape",
    ask="Which shape has a batch of pictures before it meets its first layer?",
    look="the picture: channels, height and width stay apart; flattening is the network's own affair.",
)
def _(task, n, c, h, w, options):
    return right_input(task, n, c, h, w, options) if task == "generation" else (n, c * h * w)
