"""Health and metrics: `/healthz` and `/metrics`. They name parts, never units or people."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

router = APIRouter(tags=["health"])


@router.get("/healthz", summary="Ask whether every part works")
async def health(request: Request) -> JSONResponse:
    """Return 200 where every part works, else 503; the body names each part."""
    parts: dict[str, bool] = await request.app.state.health()
    good = all(parts.values())
    return JSONResponse(
        {"status": "ok" if good else "failing", "parts": parts}, 200 if good else 503
    )


@router.get("/metrics", summary="Read the counters (Prometheus)", include_in_schema=False)
async def metrics() -> Response:
    """Return every counter of this process."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
