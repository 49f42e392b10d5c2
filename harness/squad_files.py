"""Read and check a data set in the official SQuAD JSON form."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from harness.errors import DataError
from harness.records import Answer, Question


def read_squad_file(path: Path) -> tuple[Question, ...]:
    """The questions of a SQuAD 1.1 or 2.0 file, in file order.

    Raises:
        DataError: the file cannot be read, is not SQuAD JSON (the message names the place inside it), holds no
            question, or repeats a question id.
    """
    questions = parse_squad(_load(path), str(path))
    if not questions:
        raise DataError(f"{path}: holds no question, expected SQuAD JSON with at least one", data=str(path))
    return questions


def parse_squad(document: Any, where: str) -> tuple[Question, ...]:
    """The questions of a parsed SQuAD document; `where` names it in errors, which are `DataError`."""
    questions: list[Question] = []
    seen: set[str] = set()
    for a, article in enumerate(_list(document, "data", where)):
        at_article = f"{where}: data[{a}]"
        for p, paragraph in enumerate(_list(article, "paragraphs", at_article)):
            at_paragraph = f"{at_article}.paragraphs[{p}]"
            context = _text(paragraph, "context", at_paragraph)
            for q, qa in enumerate(_list(paragraph, "qas", at_paragraph)):
                question = _question(qa, f"{at_paragraph}.qas[{q}]", context, f"{a}:{p}")
                if question.id in seen:
                    raise DataError(f"{at_paragraph}.qas[{q}]: id {question.id!r} is used before; ids must be unique")
                seen.add(question.id)
                questions.append(question)
    return tuple(questions)


def _question(qa: Any, where: str, context: str, passage_id: str) -> Question:
    qid = _text(qa, "id", where)
    answers = tuple(
        Answer(_text(answer, "text", f"{where}.answers[{i}]"), _start(answer, f"{where}.answers[{i}]"))
        for i, answer in enumerate(_list(qa, "answers", where))
    )
    impossible = qa.get("is_impossible", False)
    if not isinstance(impossible, bool):
        raise DataError(f"{where}.is_impossible: found {impossible!r}, expected true or false")
    kind = qa.get("kind")
    return Question(
        id=qid,
        passage_id=passage_id,
        context=context,
        question=_text(qa, "question", where),
        answers=answers,
        impossible=impossible,
        kind=kind if isinstance(kind, str) else None,
    )


def _load(path: Path) -> Any:
    expected = "expected a data set in SQuAD JSON"
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror}); {expected}", data=str(path)) from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: byte {error.start} is not UTF-8; {expected}", data=str(path)) from error
    if not text.strip():
        raise DataError(f"{path}: the file is empty; {expected}", data=str(path))
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise DataError(f"{path}:{error.lineno}: not JSON ({error.msg}); {expected}", data=str(path)) from error
    except ValueError as error:  # a whole number of thousands of digits
        raise DataError(f"{path}: holds a number with too many digits; {expected}", data=str(path)) from error
    except RecursionError as error:
        raise DataError(f"{path}: nested too deeply; {expected}", data=str(path)) from error


def _member(owner: Any, key: str, where: str) -> Any:
    if not isinstance(owner, dict):
        raise DataError(f"{where}: found {type(owner).__name__}, expected an object with {key!r} (SQuAD JSON)")
    if key not in owner:
        raise DataError(f"{where}: {key!r} is missing (SQuAD JSON has data, paragraphs, qas, answers)")
    return owner[key]


def _list(owner: Any, key: str, where: str) -> list[Any]:
    value = _member(owner, key, where)
    if not isinstance(value, list):
        raise DataError(f"{where}.{key}: found {type(value).__name__}, expected a list")
    return value


def _text(owner: Any, key: str, where: str) -> str:
    value = _member(owner, key, where)
    if not isinstance(value, str):
        raise DataError(f"{where}.{key}: found {type(value).__name__}, expected text")
    return value


def _start(answer: Any, where: str) -> int:
    value = _member(answer, "answer_start", where)
    if isinstance(value, bool) or not isinstance(value, int):
        raise DataError(f"{where}.answer_start: found {value!r}, expected a whole number of characters")
    return value
