"""How many records per second the data pipe makes of one core, and what that means for a training machine.

    python models/train/profile_data.py [--sizes 168,336] [--batches 6] [--cores 16]

CPU time is counted (generator and worker), not wall time, so that a busy machine does not spoil the figure.
"""
import argparse
import os
import pathlib
import random
import resource
import subprocess
import time

import numpy

import scenes
import vocabulary

HERE = pathlib.Path(__file__).resolve().parent


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--saint", default=str(HERE.parents[1] / "build/release/app/saint"))
    parser.add_argument("--tokenizer", default=str(HERE / "tokenizer.json"))
    parser.add_argument("--sizes", default="168,336")
    parser.add_argument("--batches", type=int, default=6)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--cores", type=int, default=os.cpu_count())
    parser.add_argument("--workers", type=int, default=1)
    args = parser.parse_args()
    text = vocabulary.Text(args.tokenizer)
    for size in map(int, args.sizes.split(",")):
        layout = scenes.Layout(size // 14, len(text.prefix), 20, 28)
        n = args.batches * args.batch
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([args.saint, "data", "scenes", "--stream", "--split", "train", "--size", str(size), "--grid", str(size // 14), "--count", str(n),
                        "--threads", "1"], stdout=subprocess.DEVNULL, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        made = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        row = {k: v[0] for k, v in scenes.split_fields(numpy.zeros(scenes.field_bytes(layout.fields(2, size)), numpy.uint8), layout.fields(2, size)).items()}
        used, asked = os.times(), 0
        for record in scenes.Stream(args.saint, "train", size, size // 14, 0, n):
            row["rgb"][:], row["label"][:] = record.rgb, record.label
            chosen = scenes.choose(record.questions, 20, random.Random(record.key))
            scenes.fill(row, layout, text, chosen)
            asked += len(chosen)
        now = os.times()
        python = now.user + now.system - used.user - used.system
        print(f"{size} px: CPU per record: generator {1e3 * made / n:.2f} ms, worker {1e3 * python / n:.2f} ms; {asked / n:.1f} questions per record; "
              f"{args.cores - 1} cores: {(args.cores - 1) * n / (made + python):.0f} records/s", flush=True)
        feeder = scenes.Feeder(args.saint, args.tokenizer, layout, args.batch, size, workers=args.workers)
        feeder.next()
        begin = time.time()
        for _ in range(args.batches):
            feeder.next()
        print(f"        through the pipes here: {n / (time.time() - begin):.0f} records/s with {args.workers} workers", flush=True)
        feeder.close()


if __name__ == "__main__":
    main()
