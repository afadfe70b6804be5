"""Learning rates that change only now and then, for training that goes on."""

from __future__ import annotations

from typing import Any

from unidl.optimizers import step_numbers
from unidl.optimizers.schedules import LearningRateSchedule
from unidl.saving.serialization import deserialize_keras_object, serialize_keras_object
from unidl.typing import Config

__all__ = ["Every"]


class Every(LearningRateSchedule):
    """What `schedule` gives, asked every `steps` steps: schedule((step + offset) // steps).

    Args:
        schedule: a LearningRateSchedule whose steps are, for example, epochs.
        steps: of the optimizer, for one of the schedule.
        offset: of a framework that counts from another number than 0.
    """

    arguments = ("schedule", "steps", "offset")

    def __init__(self, schedule: Any, steps: int, offset: int = 0) -> None:
        if isinstance(schedule, dict):
            schedule = deserialize_keras_object(schedule)
        self.schedule, self.steps, self.offset = schedule, steps, offset

    def __call__(self, step: Any) -> float:
        return self.schedule(step_numbers.floor((step + self.offset) / self.steps))

    def get_config(self) -> Config:
        schedule = serialize_keras_object(self.schedule)
        return {"schedule": schedule, "steps": self.steps, "offset": self.offset}
