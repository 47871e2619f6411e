"""What becomes of a recording of a batch: a row of figures and its segments, or why there is none."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from helpers.batch.recordings import Opened, name_of, opened
from helpers.errors import HelpersError
from helpers.lanes import Settings, customer_side

if TYPE_CHECKING:
    import pandas as pd

    from helpers.analysis import CallAnalysis, ChannelSummary
    from helpers.conversation import SpeakerFigures

_VERSION = 1  # counted up when the same recording gets other figures

_TEXTS = ("role", "channel", "dominant_emotion", "end_emotion", "first_third", "last_third")
_COUNTS = ("interruptions", "escalations")
_SHARE = "share_"
_OTHER = "other_"


@dataclass(frozen=True)
class Request:
    """What is asked of every recording.

    Attributes
    ----------
    model : str
        Name of a model.
    model_sha256 : str
        Of its file, from its card.
    settings : Settings
    """

    model: str
    model_sha256: str
    settings: Settings


@dataclass(frozen=True)
class Failure:
    """Why a recording has no result, in a sentence."""

    sentence: str


@dataclass(frozen=True, eq=False)
class Analysed:
    """The result of a recording.

    Attributes
    ----------
    key : str
        As of `result_key`.
    calls : pd.DataFrame
        One row; see `call_table`.
    segments : pd.DataFrame
        As of ``analysis.CallAnalysis``, with the key first.
    """

    key: str
    calls: pd.DataFrame
    segments: pd.DataFrame


def identify(address: str, request: Request) -> str | Failure:
    """Give the key of a recording's result, without analysing it.

    Parameters
    ----------
    address : str
    request : Request

    Returns
    -------
    str or Failure
    """
    return _or_failure(address, lambda file: result_key(file, name_of(address), request))


def analyse_call(address: str, request: Request) -> Analysed | Failure:
    """Analyse a recording.

    Parameters
    ----------
    address : str
    request : Request

    Returns
    -------
    Analysed or Failure
        Whatever is wrong with the recording is a failure, so that the others go on.
    """
    return _or_failure(address, lambda file: _analysed(file, name_of(address), request))


def result_key(file: Opened, name: str, request: Request) -> str:
    """Say which recordings have the same result: those of the same content, asked the same.

    Parameters
    ----------
    file : binary file
        At its start.
    name : str
        Of the recording, of which only counts where it says that the customer is.
    request : Request

    Returns
    -------
    str
        SHA-256, in hexadecimal digits.
    """
    digest = hashlib.file_digest(file, "sha256")
    asked = [_VERSION, request.model_sha256, asdict(request.settings), customer_side(name)]
    digest.update(json.dumps(asked, sort_keys=True).encode())
    return digest.hexdigest()


def call_table(analysis: CallAnalysis, key: str) -> pd.DataFrame:
    """Put what is told of a call into one row, with the same columns for every call of a model.

    Parameters
    ----------
    analysis : CallAnalysis
    key : str
        As of `result_key`.

    Returns
    -------
    pd.DataFrame
        Of the speaker who comes first, the customer where it is known, and as ``other_…`` of the second: the
        figures of ``conversation`` and the shares of the emotions; empty where there is none.
    """
    import pandas as pd

    from helpers.conversation import conversation, non_talk_time
    from helpers.emotions import UNCERTAIN

    call: dict[str, Any] = {
        "key": key,
        "model": analysis.model.name,
        "duration": round(analysis.duration, 3),
        "channels": analysis.channels,
        "silence": round(non_talk_time(analysis), 3),
        "moments": len(analysis.moments),
        "warnings": " ".join(analysis.warnings),
    }
    speakers = [*zip(analysis.summary, conversation(analysis), strict=True), (None, None)]
    for prefix, (summary, figures) in zip(("", _OTHER), speakers, strict=False):
        told = _told(summary, figures) if summary and figures else {}
        for column, form in _columns((*analysis.model.labels, UNCERTAIN)).items():
            call[prefix + column] = pd.array([told.get(column)], form)
    return pd.DataFrame(call, index=[0])


def _columns(emotions: tuple[str, ...]) -> dict[str, str]:
    """Name the columns of a speaker, with their types, which hold also where all values are missing."""
    from helpers.conversation import SpeakerFigures

    names = ("role", "dominant_emotion", *SpeakerFigures.__dataclass_fields__)
    names += tuple(_SHARE + emotion for emotion in emotions)
    forms = dict.fromkeys(_TEXTS, "str") | dict.fromkeys(_COUNTS, "Int64")
    return {name: forms.get(name, "Float64") for name in names}


def _told(summary: ChannelSummary, figures: SpeakerFigures) -> dict[str, Any]:
    rounded = {
        name: round(value, 4) if isinstance(value, float) else value
        for name, value in asdict(figures).items()
        if not isinstance(value, dict)
    }
    thirds = {"first_third": figures.first_third, "last_third": figures.last_third}
    prevailing = {
        name: max(shares, key=lambda each: shares[each]) for name, shares in thirds.items() if shares
    }
    shares = {_SHARE + emotion: round(share, 4) for emotion, share in summary.shares.items()}
    mood = {"role": summary.role, "dominant_emotion": summary.dominant_emotion}
    return mood | rounded | prevailing | shares


def _analysed(file: Opened, name: str, request: Request) -> Analysed:
    from helpers.analysis import analyze

    key = result_key(file, name, request)
    file.seek(0)
    analysis = analyze(file, model=request.model, settings=request.settings, name=name)
    segments = analysis.segments.astype({"emotion": "str"}).round(4)
    segments.insert(0, "key", key)
    return Analysed(key, call_table(analysis, key), segments)


_Result = TypeVar("_Result")


def _or_failure(address: str, work: Callable[[Opened], _Result]) -> _Result | Failure:
    try:
        with opened(address) as file:
            return work(file)
    except HelpersError as error:
        return Failure(str(error))
    except Exception as error:  # a defect that one recording shows must not end the others
        return Failure(
            f"{name_of(address)} cannot be analysed ({type(error).__name__}): report it with the file."
        )
