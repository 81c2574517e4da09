"""The model that is served, as GET /v1/model shows it."""

from service import schema
from service.model.stored import StoredCard


def describe(stored: StoredCard, runtime: str, threads: int, bento: str | None) -> schema.ModelResponse:
    """The body of /v1/model for an imported model that runs on `runtime` with that many workers."""
    card, source = stored.card, stored.card.source
    return schema.ModelResponse(
        name=card.name,
        version=stored.version,
        runtime=runtime,
        title=card.title,
        generation=card.generation,
        licence=card.licence,
        source=f"npm:{source.package}@{source.version}" if source.kind == "npm" else source.url,
        labels=card.labels,
        parity=[
            schema.ParityFigures(
                runtime=report.runtime,
                variants=report.variants,
                f1=report.f1,
                median_score_shift=report.median_score_shift,
                passed=report.passed,
            )
            for report in stored.parity
        ],
        threads=threads,
        bento=bento,
    )
