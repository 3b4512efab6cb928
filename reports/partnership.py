"""A partnership's annual report on early help: it mirrors the needs, and asks what help was given. What was not supplied is blank, and said so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from reports import local_text, sentences, tabulate, words
from reports.chapter_need import MODELLED
from reports.content import publication, standing
from reports.demand_tables import service_label
from reports.report import Block, Bullets, Report, Section
from reports.service_tables import no_further_action
from reports.table import Column, Table, frame
from reports.view import View

if TYPE_CHECKING:
    from jsna_model.result import Result

#: Slot, heading, what it should say, and the paragraphs of Ofsted 2015 that ask for it.
ASKED = (
    ("early_help_offered", "Help offered after no further action", "How many referrals closed with no further action were offered early help, took it up, and came back."),
    ("referrer_feedback", "Feedback to those who refer", "How many of those who referred were told what was decided, and how soon."),
    ("lead_professional", "Lead professional", "How many families had a named lead professional who had the time and skill for it."),
    ("assessment_and_review", "Assessment, plan and review", "How many had an assessment, a plan with outcomes and a review on time; what audits found."),
    ("fathers", "Fathers and male carers included", "In how many assessments fathers and male carers were identified and took part."),
    ("childs_voice", "The child's voice", "In how many the child was seen, heard, and what they said changed the plan."),
    ("recording", "Ethnicity, culture and religion recorded", "For how many children each was recorded, and what difference it made to their help."),
    ("views_of_families", "What families say", "What parents and carers said about the help, and what changed for it."),
)  # fmt: skip


def build(result: Result, study: Any = None, text: Mapping[str, str] | None = None) -> Report:
    """The annual report of a partnership.

    Parameters
    ----------
    result : jsna_model.Result
    study : jsna_model.Study, optional
    text : mapping of str to str, optional
        Local text by slot (`data_sources.load_text`).

    Returns
    -------
    Report
    """
    view, local = View.of(result), dict(text or {})
    found = {t.key: t for t in tabulate.build(view)}
    named = publication(study)
    draft, status = standing(named)
    answers = _answers(view, local)
    needs: list[Block] = [MODELLED]
    if "to_2035" in found:
        needs.append(sentences.trend(view))
    needs += [found[k] for k in ("key_figures", "combinations", "not_known") if k in found]
    sections = [
        Section("needs", "The needs that early help is for", tuple(needs)),
        Section("help", "What is known about the help that was given", (*_counts(view), answers)),
        *(Section(slot, title, _slot(slot, asked, local)) for slot, title, asked in ASKED),
    ]
    if "services_now" in found:
        sections.append(Section("services", "Services beside early help", (sentences.rates(view), found["services_now"]), wide=True))
    shown = tuple(t for s in sections for t in s.blocks if isinstance(t, Table))
    return Report(
        f"Early help in {view.name}: annual report of the safeguarding partnership", f"Needs as estimated, and help as reported, {view.base_year}",
        draft, status, tuple(sections), shown, str(named["classification"]),
    )  # fmt: skip


def _counts(view: View) -> list[Block]:
    """What published counts say about the front door."""
    items = []
    closed = no_further_action(view)
    if closed is not None:
        items.append(
            f"{words.number(closed[0])} referrals, {words.percent(closed[1])} of all, were closed with no further action in {view.base_year} "
            "(observed). What help followed is not published: it is reported below, or not known."
        )
    else:
        items.append(f"{service_label('referrals_no_further_action')}: not available for {view.name} in {view.base_year}.")
    if not view.early_help_supplied:
        items.append("The number of families given early help was not supplied.")
    return [Bullets(tuple(items))]


def _answers(view: View, local: Mapping[str, str]) -> Table:
    """What was asked, and whether it was answered."""
    columns = (Column("Subject"), Column("What it should say"), Column("Reported"))
    records: list[list[object]] = [[title, asked, "yes" if slot in local else "not supplied"] for slot, title, asked in ASKED]
    return Table(
        "answers", f"What was reported about early help, {view.name}", "local text of the partnership", "", "inputs, not results", "none", columns,
        frame(columns, records), ("'Not supplied' says that nobody reported it; it does not say that it was not done.",), kind="partnership",
    )  # fmt: skip


def _slot(slot: str, asked: str, local: Mapping[str, str]) -> tuple[Block, ...]:
    if slot in local:
        return tuple(local_text.blocks(local[slot]))
    return (f"{local_text.NOT_SUPPLIED} {asked} (To supply it, write text/{slot}.md beside study.toml.)",)
