"""Holds the replicas of all stages that the gateway asks."""

import asyncio
from typing import Protocol

from fashion.image.v1.image_retriever_pb2_grpc import ImageRetrieverServiceStub
from fashion.ranking.v1.reranker_pb2_grpc import RerankerServiceStub
from fashion.text.v1.text_retriever_pb2_grpc import TextRetrieverServiceStub
from runtime.metrics import Metrics
from runtime.replicas import ReplicaPool
from services.gateway.settings import Settings


class _Pool(Protocol):
    async def start(self) -> None: ...
    async def close(self) -> None: ...


class Pools:
    """One pool a stage; where no other replicas are named, those that search encode too."""

    def __init__(self, config: Settings, metrics: Metrics) -> None:
        self.text: ReplicaPool[TextRetrieverServiceStub] = ReplicaPool(
            "text", config.text_targets, TextRetrieverServiceStub, metrics=metrics
        )
        self.image: ReplicaPool[ImageRetrieverServiceStub] = ReplicaPool(
            "image", config.image_targets, ImageRetrieverServiceStub, metrics=metrics
        )
        self.encode = self.image
        if config.encode_targets:
            self.encode = ReplicaPool(
                "encode", config.encode_targets, ImageRetrieverServiceStub, metrics=metrics
            )
        self.ranking: ReplicaPool[RerankerServiceStub] = ReplicaPool(
            "ranking", config.ranking_targets, RerankerServiceStub, metrics=metrics
        )

    async def start(self) -> None:
        """Finds the replicas and begins to watch them."""
        await asyncio.gather(*(pool.start() for pool in self._each()))

    async def close(self) -> None:
        """Ends the watch and closes all channels."""
        await asyncio.gather(*(pool.close() for pool in self._each()))

    def _each(self) -> list[_Pool]:
        pools: list[_Pool] = [self.text, self.image, self.ranking]
        return pools if self.encode is self.image else [*pools, self.encode]
