"""The command line: ``python -m helpers analyze FILE...``; see ``python -m helpers --help``."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from helpers.errors import CorpusError, HelpersError, ModelError

if TYPE_CHECKING:
    from helpers.analysis import CallAnalysis
    from helpers.lanes import Settings

ALL_DONE, SOME_FAILED, WRONG_USAGE = 0, 1, 2
DOCUMENTS = ("html", "png", "pdf")  # of one recording each


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the process.

    Returns
    -------
    int
        Exit code: 0 all done, 1 something failed and was named on standard error, 2 wrong usage.
    """
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        return command(options)
    except HelpersError as error:
        print(error, file=sys.stderr)
        return SOME_FAILED


def _parser() -> argparse.ArgumentParser:
    from helpers.lanes import CHANNEL_MODES, PLACES

    parser = argparse.ArgumentParser("python -m helpers", description="Emotion analysis of call recordings.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    analyze = commands.add_parser("analyze", help="analyse recordings")
    analyze.add_argument(
        "files",
        nargs="+",
        metavar="FILE",
        help="any audio or video file; with folders, or URLs such as s3://BUCKET/FOLDER, it is a batch",
    )
    analyze.add_argument("--model", default="default", metavar="NAME", help="see the command 'models'")
    analyze.add_argument(
        "--channels",
        choices=CHANNEL_MODES,
        default="auto",
        help="each channel a speaker, or all mixed; auto splits two channels that carry different sound; "
        "voices does so, too, and tells two speakers on one channel apart (experimental)",
    )
    analyze.add_argument(
        "--customer",
        choices=PLACES,
        help="channel of the customer, if the file name does not say, or which of two voices in the order in "
        "which they are heard; the other one is the agent's",
    )
    analyze.add_argument(
        "--include-agent",
        action="store_true",
        help="analyse the agent's emotion too (restricted by law for employees: EU AI Act, Art. 5)",
    )
    analyze.add_argument("--format", choices=("table", "json", "csv", *DOCUMENTS), default="table")
    analyze.add_argument(
        "--output",
        type=Path,
        metavar="DIR",
        help="write a file per recording there, or the tables of a batch",
    )
    analyze.add_argument("--recursive", action="store_true", help="batch: look into the folders below, too")
    workers = analyze.add_mutually_exclusive_group()
    workers.add_argument(
        "--jobs", type=int, default=-1, metavar="N", help="batch: processes; one per core without it"
    )
    workers.add_argument(
        "--dask", metavar="URL", help="batch: the workers of this scheduler, tcp://HOST:8786"
    )
    analyze.set_defaults(command=_analyze)

    models = commands.add_parser("models", help="the models at a glance")
    models.set_defaults(command=_models)

    benchmark = commands.add_parser("benchmark", help="how fast this machine is, live analysis included")
    benchmark.add_argument(
        "--minutes",
        type=float,
        nargs="+",
        metavar="N",
        help="lengths; 1 10 60 240 without it",
    )
    benchmark.add_argument("--against", choices=("opensmile",), help="a package to measure beside ours")
    benchmark.add_argument("--json", action="store_true")
    benchmark.add_argument("--write", action="store_true", help="write docs/performance.json and .md")
    benchmark.set_defaults(command=_benchmark)
    _add_training(commands)
    return parser


def _add_training(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add what needs corpora."""
    folder = argparse.ArgumentParser(add_help=False)
    folder.add_argument("--corpora", type=Path, required=True, metavar="DIR", help="a folder per corpus")
    working = argparse.ArgumentParser(add_help=False, parents=[folder])
    working.add_argument("--jobs", type=int, default=-1, help="processes; all cores without it")
    computing = argparse.ArgumentParser(add_help=False, parents=[working])
    computing.add_argument("--cache", type=Path, metavar="DIR", help="where computed features are kept")

    train = commands.add_parser(
        "train", parents=[computing], help="train a model by its recipe and score it on unheard speakers"
    )
    train.add_argument("recipe", metavar="RECIPE")
    train.add_argument("--output", type=Path, required=True, metavar="DIR")
    train.add_argument(
        "--corrections",
        type=Path,
        metavar="DIR",
        help="learn from these, too: files of “Download corrections” and the recordings that they are of",
    )
    train.set_defaults(command=_train)

    evaluate = commands.add_parser(
        "evaluate",
        parents=[working],
        help="score a model over simulated calls, and write that to its card and to docs/results.md",
    )
    evaluate.add_argument("model", metavar="MODEL")
    evaluate.set_defaults(command=_evaluate)

    clips = commands.add_parser(
        "clips",
        parents=[computing],
        help="score our method over the clips of a corpus, and write that to docs/results.md",
    )
    clips.add_argument("benchmark", metavar="BENCHMARK")
    clips.set_defaults(command=_clips)

    voices = commands.add_parser(
        "voices",
        parents=[computing],
        help="learn to tell two voices on one channel apart, score that over simulated calls, and write both",
    )
    voices.set_defaults(command=_voices)

    lab = commands.add_parser("lab", parents=[computing], help="make what the pages of the lab show")
    lab.set_defaults(command=_lab)

    reproduce = commands.add_parser(
        "reproduce", parents=[computing], help="run a published experiment, beside our own way"
    )
    reproduce.add_argument("recipe", metavar="RECIPE")
    reproduce.add_argument("--emotions", nargs="+", metavar="EMOTION", help="these instead of the recipe's")
    reproduce.add_argument("--output", type=Path, metavar="DIR", help="write the report there")
    reproduce.add_argument("--resume", action="store_true", help="go on where it was interrupted")
    reproduce.add_argument("--json", action="store_true")
    reproduce.set_defaults(command=_reproduce)

    results = commands.add_parser("results", help="the page of all reports in models/reports/")
    results.set_defaults(command=_results)

    corpora = commands.add_parser(
        "corpora", parents=[folder], help="what corpora hold, and what is wrong there"
    )
    corpora.add_argument("names", nargs="+", metavar="CORPUS")
    corpora.set_defaults(command=_corpora)

    described = commands.add_parser(
        "features", parents=[computing], help="describe a corpus by features, as CSV and Parquet"
    )
    described.add_argument("feature_set", metavar="SET", help="such as statistics, or mfcc+chroma+mel")
    described.add_argument("names", nargs="+", metavar="CORPUS")
    described.add_argument("--output", type=Path, required=True, metavar="DIR")
    described.set_defaults(command=_features)


def _analyze(options: argparse.Namespace) -> int:
    if any("://" in file or Path(file).is_dir() for file in options.files):
        return _analyze_batch(options)
    from helpers.analysis import analyze
    from helpers.classifier import load_model

    try:
        load_model(options.model)
    except ModelError as error:
        print(error, file=sys.stderr)
        return WRONG_USAGE
    if options.format in DOCUMENTS and len(options.files) > 1 and not options.output:
        _to_standard_error(f"Each recording makes a file of its own as {options.format}: add --output DIR.")
        return WRONG_USAGE
    settings = _settings(options)
    analyses: list[CallAnalysis] = []
    for file in options.files:
        try:
            analyses.append(analyze(file, model=options.model, settings=settings))
        except HelpersError as error:
            print(error, file=sys.stderr)
    if options.output:
        _write(analyses, options.format, options.output)
    elif analyses or len(options.files) > 1:
        sys.stdout.buffer.write(_content(analyses, options.format, several=len(options.files) > 1))
    return ALL_DONE if len(analyses) == len(options.files) else SOME_FAILED


def _analyze_batch(options: argparse.Namespace) -> int:
    from helpers.batch.engine import cluster, processes
    from helpers.batch.run import NEEDED, check_packages, run_batch

    if not options.output or options.format != "table":
        _to_standard_error("A batch writes tables of its own: add --output DIR, and leave --format out.")
        return WRONG_USAGE
    check_packages((*NEEDED, "distributed") if options.dask else NEEDED)
    with cluster(options.dask) if options.dask else processes(options.jobs) as workers:
        from helpers.batch.calls import Request  # while the workers start
        from helpers.classifier import servable_card

        try:
            card = servable_card(options.model)
        except ModelError as error:
            print(error, file=sys.stderr)
            return WRONG_USAGE
        request = Request(card.name, card.sha256, _settings(options))
        summary = run_batch(options.files, options.output, request, workers, recursive=options.recursive)
    _to_standard_error(str(summary))
    return ALL_DONE if summary.done == summary.recordings else SOME_FAILED


def _settings(options: argparse.Namespace) -> Settings:
    from helpers.lanes import Settings

    return Settings(options.channels, options.customer, options.include_agent)


def _content(analyses: list[CallAnalysis], layout: str, *, several: bool) -> bytes:
    content = _document(analyses[0], layout) if layout in DOCUMENTS else _text(analyses, layout, several)
    return content if isinstance(content, bytes) else content.encode()


def _document(analysis: CallAnalysis, layout: str) -> str | bytes:
    from helpers.drawing import to_pdf, to_png
    from helpers.report import to_html

    makers: dict[str, Callable[[CallAnalysis], str | bytes]] = {"html": to_html, "png": to_png, "pdf": to_pdf}
    return makers[layout](analysis)


def _text(analyses: list[CallAnalysis], layout: str, several: bool) -> str:
    from helpers.exports import to_csv, to_json, to_text

    if layout == "json":
        return to_json(analyses if several else analyses[0])
    return to_csv(analyses) if layout == "csv" else to_text(analyses)


def _write(analyses: list[CallAnalysis], layout: str, output: Path) -> None:
    """Write a file per recording; recordings of the same name are numbered."""
    extension = "txt" if layout == "table" else layout
    output.mkdir(parents=True, exist_ok=True)
    times_seen: Counter[str] = Counter()
    for analysis in analyses:
        times_seen[analysis.name] += 1
        number = f"-{times_seen[analysis.name]}" if times_seen[analysis.name] > 1 else ""
        path = output / f"{analysis.name}{number}.{extension}"
        path.write_bytes(_content([analysis], layout, several=False))


def _models(options: argparse.Namespace) -> int:
    from helpers.classifier import model_names, read_card

    for name in model_names():
        card = read_card(name)
        print(f"{name}: {card.title} ({', '.join(card.labels)}). {card.licence}. {card.use}")
        print(f"  {card.protocol}")
        for score in card.scores:
            low, high = score["uar_interval"]
            print(
                f"  {score['corpus']}, {score['condition']}, baseline {score['baseline']}: "
                f"unweighted average recall {score['uar']:.1%} "
                f"({low:.1%} to {high:.1%}), calibration error {score['ece']:.3f}, "
                f"{score['segments']} segments of {score['speakers']} speakers"
            )
    return ALL_DONE


def _train(options: argparse.Namespace) -> int:
    from joblib import parallel_config

    from helpers.training.models import MODELS, model_recipe, train
    from helpers.training.recipes import RECIPES

    if not _is_recipe(options.recipe, {**MODELS, **RECIPES}):
        return WRONG_USAGE
    options.output.mkdir(parents=True, exist_ok=True)
    with parallel_config(n_jobs=options.jobs):
        card = train(
            model_recipe(options.recipe),
            options.corpora,
            options.output,
            _cache(options),
            corrections_folder=options.corrections,
        )
    print(f"{options.output / card.name}.{card.layout} and its card are written.")
    return ALL_DONE


def _evaluate(options: argparse.Namespace) -> int:
    from helpers.classifier import MODELS, load_model
    from helpers.training.models import evaluate, model_recipe
    from helpers.training.results import PAGE, call_table, results_page

    model = load_model(options.model)
    recipe = model_recipe(model.card.name)
    card = evaluate(model, recipe, options.corpora, MODELS, jobs=options.jobs)
    PAGE.write_text(results_page(), encoding="utf-8")
    print(call_table(card))
    return ALL_DONE


def _clips(options: argparse.Namespace) -> int:
    from helpers.training.clip_scores import BENCHMARKS, score_clips, write_scores
    from helpers.training.results import CLIPS, PAGE, REPORTS, clip_table, results_page

    if not _is_recipe(options.benchmark, BENCHMARKS):
        return WRONG_USAGE
    benchmark = BENCHMARKS[options.benchmark]
    scores = score_clips(benchmark, options.corpora, _cache(options), jobs=options.jobs)
    write_scores(benchmark, scores, REPORTS / CLIPS)
    PAGE.write_text(results_page(), encoding="utf-8")
    print(clip_table({benchmark.name: scores}))
    return ALL_DONE


def _voices(options: argparse.Namespace) -> int:
    from joblib import parallel_config

    from helpers.classifier import load_model
    from helpers.speakers import PROJECTION, SCORES
    from helpers.training.calls import Surroundings
    from helpers.training.results import PAGE, results_page, voice_table
    from helpers.training.voices import (
        held_out_clips,
        learn_voices,
        score_voices,
        write_projection,
        write_scores,
    )

    with parallel_config(n_jobs=options.jobs):
        write_projection(learn_voices(options.corpora, _cache(options)), PROJECTION)
    surroundings = Surroundings.load(options.corpora)
    scores = score_voices(load_model(), held_out_clips(options.corpora), surroundings, jobs=options.jobs)
    write_scores(scores, SCORES)
    PAGE.write_text(results_page(), encoding="utf-8")
    print(voice_table(scores))
    return ALL_DONE


def _lab(options: argparse.Namespace) -> int:
    from joblib import parallel_config

    from helpers.lab.making import write_lab
    from helpers.lab.reports import LAB

    with parallel_config(n_jobs=options.jobs):
        write_lab(options.corpora, _cache(options), LAB, progress=_to_standard_error)
    return ALL_DONE


def _reproduce(options: argparse.Namespace) -> int:
    import json
    from dataclasses import replace

    from helpers.training.recipes import RECIPES, Case
    from helpers.training.reproduce import as_object, reproduce, write_report
    from helpers.training.results import recipe_section

    if not _is_recipe(options.recipe, RECIPES):
        return WRONG_USAGE
    recipe = RECIPES[options.recipe]
    if options.emotions:
        recipe = replace(recipe, cases=(Case(", ".join(options.emotions), tuple(options.emotions)),))
    reproduction = reproduce(
        recipe,
        options.corpora,
        _cache(options),
        progress=_to_standard_error,
        jobs=options.jobs,
        resume=options.resume,
    )
    report = as_object(reproduction)
    if options.output:
        write_report(reproduction, options.output / recipe.name)
    print(json.dumps(report, ensure_ascii=False) if options.json else recipe_section(report))
    return ALL_DONE


def _results(options: argparse.Namespace) -> int:
    from helpers.training.results import results_page

    sys.stdout.write(results_page())
    return ALL_DONE


def _corpora(options: argparse.Namespace) -> int:
    from helpers.training.checks import inspect, problems
    from helpers.training.corpora import load_corpora, strangers, summarise

    if not _are_known(options.names):
        return WRONG_USAGE
    clips = load_corpora(options.names, options.corpora)
    facts = inspect(clips["path"])
    print(summarise(clips, facts["duration"]).to_string(index=False, float_format="{:.1f}".format))
    found = problems(clips, facts, strangers(options.names, options.corpora))
    for path, problem in found.itertuples(index=False):
        print(f"{path} {problem}")
    return ALL_DONE


def _features(options: argparse.Namespace) -> int:
    from helpers.training.corpora import load_corpora
    from helpers.training.study import describe_clips, feature_set_named, write_table

    try:
        feature_set_named(options.feature_set)
    except CorpusError as error:
        print(error, file=sys.stderr)
        return WRONG_USAGE
    if not _are_known(options.names):
        return WRONG_USAGE
    clips = load_corpora(options.names, options.corpora)
    described = describe_clips(clips["path"], options.feature_set, _cache(options), jobs=options.jobs)
    options.output.mkdir(parents=True, exist_ok=True)
    write_table(clips, described, options.output / f"{options.feature_set}-{'-'.join(options.names)}")
    return ALL_DONE


def _is_recipe(name: str, known: Collection[str]) -> bool:
    if name not in known:
        _to_standard_error(f"There is no recipe {name!r}: choose one of {', '.join(known)}.")
    return name in known


def _are_known(names: Sequence[str]) -> bool:
    from helpers.training.corpora import CORPORA, MIXED

    unknown = [name for name in names if name not in (*CORPORA, MIXED)]
    for name in unknown:
        _to_standard_error(f"There is no corpus {name!r}: choose from {', '.join((*CORPORA, MIXED))}.")
    return not unknown


def _cache(options: argparse.Namespace) -> Path:
    """Give the folder in which computed features are kept."""
    import pooch

    return Path(options.cache or pooch.os_cache("call-emotions") / "features")


def _to_standard_error(line: str) -> None:
    print(line, file=sys.stderr)


def _benchmark(options: argparse.Namespace) -> int:
    from helpers.benchmark.report import MINUTES, benchmark, performance_page, to_json, write_documents

    measured = benchmark(options.minutes or MINUTES, against=options.against, progress=_to_standard_error)
    if options.write:
        write_documents(measured)
    sys.stdout.write(to_json(measured) if options.json else performance_page(measured))
    return ALL_DONE


if __name__ == "__main__":
    sys.exit(main())
