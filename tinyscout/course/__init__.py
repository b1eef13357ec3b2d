"""The course: which phases there are, what each needs, and what a phase script shares with all others."""

from tinyscout.course.plan import Course, Phase, course_folder
from tinyscout.course.run import PhaseRun, Rows, open_phase

__all__ = ["Course", "Phase", "PhaseRun", "Rows", "course_folder", "open_phase"]
