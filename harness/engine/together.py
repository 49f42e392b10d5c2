"""Several processes that train one model, as ``torchrun`` and ``accelerate launch`` start them, on one machine.

The first leads: it reads, prepares, writes and evaluates, and tells the others of every training. The others follow:
they do nothing but take part.
"""

from __future__ import annotations

import datetime
import json
import os
from typing import TYPE_CHECKING, Any

import torch
from torch import distributed

from harness.errors import RunError
from harness.progress import silent

if TYPE_CHECKING:
    from harness.engine.jobs import Job

PATIENCE = datetime.timedelta(days=30)
"""How long followers wait for work: the leader may be asking a teacher for days."""


def processes() -> int:
    """How many processes train together."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def leads() -> bool:
    """Whether this process is the first, or the only one."""
    return os.environ.get("RANK", "0") == "0"


def lead(job: Job | None) -> None:
    """Tell the followers, if there are any, of a training."""
    if processes() > 1:
        _join()
        distributed.broadcast_object_list([json.dumps(None if job is None else job.to_json())], src=0)


def dismiss() -> None:
    """Tell the followers, if there are any, that no training is to come."""
    lead(None)


def follow() -> None:
    """Take part in every training that the leader tells of, until it says that there is none to come."""
    from harness.engine.jobs import Job, open_data, run_job

    _join()
    while True:
        told: list[Any] = [None]
        distributed.broadcast_object_list(told, src=0)
        data = json.loads(told[0])
        if data is None:
            distributed.destroy_process_group()
            return
        job = Job.from_json(data)
        run_job(job, open_data(job.prepared), silent)


def _join() -> None:
    if distributed.is_initialized():
        return
    if int(os.environ.get("LOCAL_WORLD_SIZE", processes())) != processes():
        raise RunError(
            "found several machines, expected one: processes share folders; start all of them on one machine"
        )
    cuda = torch.cuda.is_available()
    if cuda:
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    distributed.init_process_group("nccl" if cuda else "gloo", timeout=PATIENCE)
