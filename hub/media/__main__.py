"""The media process: `python -m hub.media`, started by the hub, which says how on its input.

One line of JSON (`hub.media.wire.ProcessConfig`) on standard input; one line on standard output
when it listens. It ends when its standard input does, so that it never outlives the hub.
"""

import asyncio
import contextlib
import socket
import sys

import uvicorn
from pydantic import ValidationError

from hub.media.aiortc_backend import AiortcForwarder
from hub.media.signalling import signalling_app
from hub.media.wire import ProcessConfig, Ready
from protocols.errors import EXIT_CONFIG, ConfigError
from protocols.runtime.clock import SystemClock
from protocols.runtime.log import set_up_logging


def main() -> int:
    """Run until standard input ends; return the exit status."""
    if sys.argv[1:]:
        sys.stderr.write(f"{__doc__}\n")
        return 0 if sys.argv[1] in ("-h", "--help") else 2
    try:
        config = ProcessConfig.model_validate_json(sys.stdin.readline())
    except ValidationError as err:
        first = err.errors(include_url=False, include_input=False)[0]
        sys.stderr.write(f"media: {'.'.join(map(str, first['loc']))}: {first['msg']}\n")
        return EXIT_CONFIG
    set_up_logging(program="media", level=config.log_level)
    try:
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(_serve(config))
    except ConfigError as err:
        sys.stderr.write(f"media: {err}\n")
        return EXIT_CONFIG
    return 0


async def _serve(config: ProcessConfig) -> None:
    clock = SystemClock()
    forwarder = AiortcForwarder(config.settings, now_s=clock.monotonic_s)
    app = signalling_app(forwarder, config.token.get_secret_value())
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            log_config=None,
            log_level="warning",
            access_log=False,
            lifespan="off",
            ws="none",
        )
    )
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        port = listener.getsockname()[1]
        async with asyncio.TaskGroup() as group:
            forwarding = group.create_task(forwarder.run(), name="forwarder")
            watching = group.create_task(_until_input_ends(), name="hub")
            watching.add_done_callback(lambda _: setattr(server, "should_exit", True))
            sys.stdout.write(Ready(port=port).model_dump_json() + "\n")
            sys.stdout.flush()
            await server.serve(sockets=[listener])
            watching.cancel()
            forwarding.cancel()


async def _until_input_ends() -> None:
    """Return when the hub has gone, or has closed the pipe to say that it wants us to end."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    try:
        while await reader.read(4096):
            continue
    finally:
        transport.close()


if __name__ == "__main__":
    sys.exit(main())
