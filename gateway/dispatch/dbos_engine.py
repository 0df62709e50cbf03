"""dbos behind the port: what survives a crash. It is imported when there is work, see `gateway.dispatch.engine`."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer, SetWorkflowID

__all__ = ["DbosEngine"]

APPLICATION_VERSION = "1"
"""Fixed: what a workflow is given and does has not changed. By default it would be a digest of the source."""

LIVE = ("PENDING", "ENQUEUED", "DELAYED")


class DbosEngine:
    """dbos, over its own tables in SQLite or PostgreSQL. One per process: dbos keeps its state in the process."""

    def __init__(self, *, url: str, executor: str, work: Callable[[str], Awaitable[None]]) -> None:
        self._url = url
        self._config: DBOSConfig = {
            "name": "postroom",
            "system_database_url": url,
            "application_version": APPLICATION_VERSION,
            "executor_id": executor,
            "serializer": DBOSPortableJSONSerializer(),
            "log_level": "WARNING",
            "run_migrations": True,
        }
        self._work = work
        self._run: Any = None

    async def start(self) -> None:
        """Begins, inside the event loop that the work is to run in; nothing of it is left where that fails."""
        await asyncio.to_thread(DBOS.migrate, self._url)
        try:
            self._launch()
        except BaseException:
            self._destroy()
            raise

    def _launch(self) -> None:
        DBOS(config=self._config)
        work = self._work

        @DBOS.step(name="postroom.work")
        async def work_off(dispatch_id: str) -> None:
            await work(dispatch_id)

        @DBOS.workflow(name="postroom.dispatch")
        async def run_dispatch(dispatch_id: str) -> None:
            await work_off(dispatch_id)

        self._run = run_dispatch
        DBOS.launch()

    async def stop(self) -> None:
        """Lets go at once."""
        self._destroy()
        # Once asked for anything, dbos has made its own threads the event loop's, and they take nothing more.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(thread_name_prefix="asyncio"))

    def _destroy(self) -> None:
        DBOS.destroy(destroy_registry=True, workflow_completion_timeout_sec=0)

    async def submit(self, dispatch_id: str) -> None:
        """Has a dispatch worked off. A dispatch that was worked off before and has items QUEUED again runs anew."""
        runs = await DBOS.list_workflows_async(workflow_id_prefix=dispatch_id, load_input=False, load_output=False)
        if any(run.status in LIVE for run in runs):
            return
        with SetWorkflowID(dispatch_id if not runs else f"{dispatch_id}:{len(runs) + 1}"):
            await DBOS.start_workflow_async(self._run, dispatch_id)

    async def adopt(self, executors: Sequence[str]) -> int:
        """Takes over what dead executors left behind."""
        left = await DBOS.list_workflows_async(
            status="PENDING", executor_id=list(executors), load_input=False, load_output=False
        )
        adopted = [run.workflow_id for run in left]
        if adopted:
            await DBOS.resume_workflows_async(adopted)
        return len(adopted)
