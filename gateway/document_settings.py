"""From the settings to documents: how they are read, which are trusted, and where those are kept that clients give."""

import contextlib
from collections.abc import AsyncIterator

from gateway.documents.automatic import KeptDocuments, MemoryDocuments
from gateway.documents.library import Library
from gateway.documents.manifest import Manifest, ManifestError, read_manifest
from gateway.documents.preparing import Documents
from gateway.schema.costs import field_costs
from gateway.schema.execution import PublicSchema
from gateway.settings import Settings, SettingsError

__all__ = ["documents_of", "kept_documents", "library_of", "manifest_of"]


def documents_of(settings: Settings, schema: PublicSchema) -> Documents:
    """What reads and keeps the schema's documents."""
    return Documents(
        schema.core,
        field_costs(schema.core),
        settings.limits.of_documents,
        most_records=settings.lists.max_page,
        suggesting=settings.documents.suggestions,
        introspecting=settings.documents.introspection,
    )


def library_of(settings: Settings, documents: Documents, kept: KeptDocuments | None = None) -> Library:
    """Documents by name. ``kept`` are those that clients gave; without it they are kept in memory.

    Raises:
        SettingsError: with everything that is wrong with the manifest.
    """
    return Library(
        manifest_of(settings, documents),
        (kept or MemoryDocuments()) if settings.documents.automatic else None,
        trusted_only=settings.documents.trusted == "require",
    )


def manifest_of(settings: Settings, documents: Documents) -> Manifest | None:
    """The trusted documents, if there are any.

    Raises:
        SettingsError: with everything that is wrong with the manifest.
    """
    if settings.documents.manifest is None:
        return None
    try:
        return read_manifest(settings.documents.manifest, documents)
    except ManifestError as error:
        raise SettingsError(error.problems) from None


@contextlib.asynccontextmanager
async def kept_documents(settings: Settings) -> AsyncIterator[KeptDocuments]:
    """Where documents are kept that clients give: in Redis, where there is one."""
    if settings.redis.url is None:
        yield MemoryDocuments()
        return
    from gateway.documents.automatic_redis import RedisDocuments  # noqa: PLC0415 - redis is 7 MiB, and most have none
    from gateway.upstream.cache_redis import answers_client  # noqa: PLC0415
    from gateway.upstream.redis_client import let_go  # noqa: PLC0415

    async with let_go(answers_client(settings.redis.url.get_secret_value())) as client:
        yield RedisDocuments(client)
