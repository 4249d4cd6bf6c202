"""What a scene holds: the generator itself (datasets/scenes), called in this process.

`saint data scenes --stream` hands out pictures, patch labels and questions. Teaching a small network in little time takes more: which object a
patch belongs to, where that object lies, which letter of a printed word a patch shows. saint_scenes_describe knows; this module calls it.
The library is the generator's own sources, compiled by build() (there is no second renderer).
"""
import ctypes
import pathlib
import queue
import shutil
import subprocess
import threading

import numpy

import scenes

ROOT = pathlib.Path(__file__).resolve().parents[2]
LIBRARY = ROOT / "build/pack/libscenes.so"
SHAPES = ["circle", "square", "triangle", "star", "heart", "diamond", "cross", "ring", "moon", "arrow"]
COLORS = ["red", "orange", "yellow", "green", "blue", "purple", "white", "black"]
BACKGROUNDS = ["sky", "grass", "sand", "water", "brick", "wood", "snow", "night"]
GLYPHS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
ADVANCE = 0.86
MAX_OBJECTS, MAX_TEXT, MAX_QUESTIONS = 8, 6, 64
SPLITS = ["train", "validation", "test"]
NOTHING = 255


class Object(ctypes.Structure):
    _fields_ = [("shape", ctypes.c_int), ("color", ctypes.c_int), ("x", ctypes.c_float), ("y", ctypes.c_float), ("r", ctypes.c_float), ("turn", ctypes.c_float)]


class Scene(ctypes.Structure):
    _fields_ = [("key", ctypes.c_uint64), ("task", ctypes.c_int), ("background", ctypes.c_int), ("n", ctypes.c_int), ("object", Object * MAX_OBJECTS),
                ("numbers", ctypes.c_int * 9), ("count_kind", ctypes.c_int), ("text", ctypes.c_char * (MAX_TEXT + 1)), ("text_style", ctypes.c_int),
                ("text_x", ctypes.c_float), ("text_y", ctypes.c_float), ("text_h", ctypes.c_float), ("text_turn", ctypes.c_float)]


class Asked(ctypes.Structure):
    _fields_ = [("task", ctypes.c_int), ("yes_no", ctypes.c_bool), ("question", ctypes.c_char * 144), ("answer", ctypes.c_char * 12)]


class AllAsked(ctypes.Structure):
    _fields_ = [("n", ctypes.c_int), ("q", Asked * MAX_QUESTIONS)]


def build(out=LIBRARY):
    """Compiles the generator as a library, unless it is newer than its sources. Needs a C compiler, unless pack.sh has left a library."""
    out = pathlib.Path(out)
    if out.exists() and not shutil.which("cc"):
        return out
    folder = ROOT / "datasets/scenes"
    sources = [folder / f"{n}.c" for n in ("plan", "words", "shapes", "draw", "background", "font", "questions")] + [ROOT / "engine/base/status.c"]
    if out.exists() and all(out.stat().st_mtime >= s.stat().st_mtime for s in sources):
        return out
    subprocess.run([pathlib.Path(__file__).parent / "library.sh", out], check=True)
    return out


class World:
    """Makes records. One per thread (it owns a canvas)."""

    def __init__(self, library, size, grid):
        self.lib, self.size, self.grid = ctypes.CDLL(str(library)), size, grid
        self.lib.saint_scenes_key.restype = ctypes.c_uint64
        self.lib.saint_scenes_key.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_uint32, ctypes.c_uint32]
        self.lib.saint_scenes_describe.argtypes = [ctypes.c_uint64, ctypes.POINTER(Scene)]
        self.lib.saint_scenes_ask.argtypes = [ctypes.POINTER(Scene), ctypes.POINTER(AllAsked)]
        self.lib.saint_scenes_labels.argtypes = [ctypes.POINTER(Scene), ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]
        self.lib.saint_scenes_draw.argtypes = [ctypes.POINTER(Scene), ctypes.c_void_p, ctypes.c_void_p]
        self.lib.saint_scenes_draw.restype = None
        self.canvas = ctypes.c_void_p()
        if size and self.lib.saint_scenes_canvas_new(size, ctypes.byref(self.canvas), None):
            raise MemoryError("canvas")
        at = (numpy.arange(grid) + 0.5) / grid
        self.px, self.py = numpy.tile(at, grid), numpy.repeat(at, grid)

    def scene(self, split, seed, index):
        """Record `index` of the stream of that seed."""
        s = Scene()
        self.lib.saint_scenes_describe(self.lib.saint_scenes_key(SPLITS.index(split), index % 7, seed, index // 7), ctypes.byref(s))
        return s

    def draw(self, s, rgb):
        self.lib.saint_scenes_draw(ctypes.byref(s), self.canvas, rgb.ctypes.data)

    def questions(self, s):
        a = AllAsked()
        self.lib.saint_scenes_ask(ctypes.byref(s), ctypes.byref(a))
        out = []
        for i in range(a.n):
            q = a.q[i]
            answer = q.answer.decode()
            out.append(scenes.Question(q.task, {"Yes": scenes.YES, "No": scenes.NO}[answer] if q.yes_no else scenes.SHORT, q.question.decode(), answer))
        return out

    def facts(self, s):
        """(objects [8, 5] f32: shape, colour, x, y, r; owner [g*g] u8; glyph [g*g] u8; ordinal [g*g] u8; centre [8] i16), NOTHING or -1 where there is none.
        The patch in which an object's centre lies is the object's, whatever it shows (a ring's shows the background)."""
        label = numpy.empty(self.grid * self.grid, numpy.uint8)
        self.lib.saint_scenes_labels(ctypes.byref(s), self.grid, label.ctypes.data, None)
        objects = numpy.zeros((MAX_OBJECTS, 5), numpy.float32)
        owner = numpy.full(label.size, NOTHING, numpy.uint8)
        centre = numpy.full(MAX_OBJECTS, -1, numpy.int16)
        near = numpy.full(label.size, 9.0, numpy.float32)
        for i in range(s.n):
            o = s.object[i]
            objects[i] = o.shape, o.color, o.x, o.y, o.r
            d = (self.px - o.x) ** 2 + (self.py - o.y) ** 2
            mine = (label == 8 + o.shape * 8 + o.color) & (d < near)
            owner[mine], near[mine] = i, d[mine]
        for i in range(s.n):
            k = min(int(s.object[i].y * self.grid), self.grid - 1) * self.grid + min(int(s.object[i].x * self.grid), self.grid - 1)
            centre[i], owner[k] = k, i
        glyph = numpy.where((label >= 88) & (owner == NOTHING), label - 88, NOTHING).astype(numpy.uint8)
        ordinal = numpy.full(label.size, NOTHING, numpy.uint8)
        if s.text:
            c, t = numpy.cos(2 * numpy.pi * s.text_turn), numpy.sin(2 * numpy.pi * s.text_turn)
            u = ((self.px - s.text_x) * c + (self.py - s.text_y) * t) / (s.text_h * ADVANCE) + len(s.text) / 2
            shown = glyph != NOTHING
            ordinal[shown] = numpy.clip(numpy.floor(u), 0, len(s.text) - 1)[shown]
        return objects, owner, glyph, ordinal, centre


class Ahead:
    """Results of make(), a few ahead: from a thread (workers = 0), or from that many processes, each with a maker of its own.
    new(worker) -> an object with make(); results are tuples and dicts of tensors and numbers."""

    def __init__(self, new, workers=0, depth=4):
        self.stopping, self.loader = False, None
        if workers:
            import torch

            class Endless(torch.utils.data.IterableDataset):
                def __iter__(self):
                    torch.set_num_threads(1)
                    maker = new(torch.utils.data.get_worker_info().id)
                    while True:
                        yield maker.make()

            self.loader = iter(torch.utils.data.DataLoader(Endless(), batch_size=None, num_workers=workers, prefetch_factor=3, pin_memory=torch.cuda.is_available()))
            return
        self.maker, self.ready = new(0), queue.Queue(depth)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        try:
            while not self.stopping:
                self.ready.put(self.maker.make())
        except BaseException as e:  # handed to whoever waits
            self.ready.put(e)

    def next(self):
        if self.loader is not None:
            return next(self.loader)
        got = self.ready.get()
        if isinstance(got, BaseException):
            raise got
        return got

    def close(self):
        self.stopping = True
        if self.loader is not None:
            self.loader = None  # its processes end with it
            return
        while self.thread.is_alive():
            try:
                self.ready.get(timeout=0.05)
            except queue.Empty:
                pass


def to(x, device):
    """The same on another device: tensors in tuples and dicts."""
    if isinstance(x, dict):
        return {k: to(v, device) for k, v in x.items()}
    if isinstance(x, (tuple, list)):
        return tuple(to(v, device) for v in x)
    return x.to(device, non_blocking=True) if hasattr(x, "to") else x


def self_test():
    import time
    w = World(build(), 336, 24)
    stream = iter(scenes.Stream(str(ROOT / "build/release/app/saint"), "train", 336, 24, 5, 70))
    wrong = letters = 0
    begin = time.time()
    for i, r in zip(range(70), stream):
        s = w.scene("train", 5, i)
        rgb = numpy.empty((336, 336, 3), numpy.uint8)
        w.draw(s, rgb)
        assert s.key == r.key and (rgb == r.rgb).all(), i
        assert w.questions(s) == r.questions
        objects, owner, glyph, ordinal, centre = w.facts(s)
        for p in numpy.flatnonzero(glyph != NOTHING):
            letters += 1
            wrong += GLYPHS[glyph[p]] != s.text.decode()[ordinal[p]]
    print(f"70 records equal to the stream's; ordinals wrong: {wrong} of {letters}; {time.time() - begin:.2f} s")


if __name__ == "__main__":
    self_test()
