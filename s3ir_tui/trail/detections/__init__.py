"""Detections: a table of small rules over single events, and the judgement that they add up to."""

from s3ir_tui.trail.detections.judge import RULES, Judgement, by_name_alone, detect, judge, weigh, with_context
from s3ir_tui.trail.detections.rule import Condition, Detection, Finding, Tactic

__all__ = [
    "RULES",
    "Condition",
    "Detection",
    "Finding",
    "Judgement",
    "Tactic",
    "by_name_alone",
    "detect",
    "judge",
    "weigh",
    "with_context",
]
