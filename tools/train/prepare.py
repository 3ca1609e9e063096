"""Turns the data sets into lines of class, weight, group and text for `fit`.

    prepare.py sentiment|intent|language DATA OUT

DATA is a folder as described in docs/engines.md. Data sets of licence class N are left out.
"""

import collections
import glob
import gzip
import json
import os
import random
import sys

import lexicon

LEFT_OUT = {"norec-sentence"}  # CC BY-NC

# The first of each is the reference, which needs no weights
SENTIMENT = ["neutral", "negative", "positive"]
INTENT = ["other", "bug", "feature", "question", "praise", "complaint"]
LANGUAGES = (
    "und en de fr es pt it nl sv da no fi is pl cs sk sl hr sr bs ro hu et lv lt tr az uz sq ca gl eu ga cy mt eo id ms tl "
    "vi sw ha yo ig so zu xh af rw ru uk be bg mk kk ky mn tt ar fa ur ps ckb ug sd hi mr ne bn as am ti"
).split()
SAME = {"nb": "no", "nn": "no"}


def rows(path):
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if row["source"] not in LEFT_OUT:
                yield row


def fold(text):
    return " ".join(text.split())


def write(path, items):
    with open(path, "w", encoding="utf-8") as out:
        for label, weight, group, text in items:
            out.write(f"{label}\t{weight:.3f}\t{group}\t{text}\n")
    print(path, len(items), file=sys.stderr)


def sentiment(data, out):
    train = []
    for path in sorted(glob.glob(f"{data}/sentiment/train.*.jsonl.gz")):
        for row in rows(path):
            weight = 1.0 if row["label_kind"] == "human" else 0.8
            if row["label"] == "neutral" and row["label_kind"] == "stars":
                weight = 0.4  # three stars are mostly mixed feelings
            if row["source"] in ("imdb", "sst-sentence", "sst"):
                weight *= 0.4  # films, not products
            train.append((SENTIMENT.index(row["label"]), weight, "-", fold(row["text"])))
    for label, _, text in lexicon.texts(400):
        train.append((SENTIMENT.index(label), 0.7, "-", text))
    dev = [
        (SENTIMENT.index(row["label"]), 1, f"{row['domain']}", fold(row["text"]))
        for row in rows(f"{data}/sentiment/dev.jsonl.gz")
    ]
    write(f"{out}/sentiment.train.tsv", train)
    write(f"{out}/sentiment.dev.tsv", dev)


def intent(data, out):
    def item(row, group):
        weight = 0.4 if row["label_kind"] == "heuristic" else 1.0
        return INTENT.index(row["label"]), weight, group, fold(row["text"])[:3000]

    paths = sorted(glob.glob(f"{data}/intent/train.*.jsonl.gz"))
    write(f"{out}/intent.train.tsv", [item(row, "-") for path in paths for row in rows(path)])
    write(f"{out}/intent.dev.tsv", [item(row, row["domain"]) for row in rows(f"{data}/intent/dev.jsonl.gz")])


def language(data, out):
    random.seed(7)
    pool = collections.defaultdict(list)
    for path in sorted(glob.glob(f"{data}/language/train.*.jsonl.gz")):
        for row in rows(path):
            label = SAME.get(row["label"], row["label"])
            pool[label].append(fold(row["text"]))
    # More of what customers write, and of short texts
    for path in sorted(glob.glob(f"{data}/sentiment/train.*.jsonl.gz")):
        for number, row in enumerate(rows(path)):
            label = SAME.get(row["lang"], row["lang"])
            if label in LANGUAGES and number % (40 if label == "en" else 4) == 0:
                pool[label].append(fold(row["text"])[:400])
    train = []
    for label, texts in sorted(pool.items()):
        known = label in LANGUAGES
        random.shuffle(texts)
        if not known:
            texts = texts[:400]
        lane = LANGUAGES.index(label if known else "und")
        for text in texts[:9000]:
            words = text.split()
            train.append((lane, 1, "-", " ".join(words[:30])))
            size = random.randint(1, 5)
            if len(words) > size and known:
                start = random.randrange(len(words) - size)
                train.append((lane, 0.5, "-", " ".join(words[start : start + size])))
    dev = []
    for row in rows(f"{data}/language/dev.jsonl.gz"):
        label = SAME.get(row["label"], row["label"])
        dev.append((LANGUAGES.index(label if label in LANGUAGES else "und"), 1, row["domain"], fold(row["text"])))
    write(f"{out}/language.train.tsv", train)
    write(f"{out}/language.dev.tsv", dev)


if __name__ == "__main__":
    task, data, out = sys.argv[1:4]
    os.makedirs(out, exist_ok=True)
    {"sentiment": sentiment, "intent": intent, "language": language}[task](data, out)
