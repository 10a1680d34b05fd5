"""The gRPC door of the catalogue's write side."""

from catalog.wire import product_from_proto
from fashion.search.v1 import search_pb2 as pb
from runtime.errors import TooLarge, Unavailable
from services.gateway.catalog_writes import MAX_BATCH_BYTES, CatalogWrites
from services.gateway.limits import check_id


class ProductMethods:
    """The methods that write; ``writes`` None is a gateway that does not."""

    def __init__(self, writes: CatalogWrites | None) -> None:
        self._writes = writes

    async def upsert(self, request: pb.UpsertProductsRequest) -> pb.UpsertProductsResponse:
        """Creates or replaces products."""
        if request.ByteSize() > MAX_BATCH_BYTES:
            raise TooLarge(f"at most {MAX_BATCH_BYTES} bytes", field="products")
        products = [product_from_proto(message) for message in request.products]
        if_seq = request.if_seq if request.HasField("if_seq") else None
        written = await self._writing().upsert(products, if_seq=if_seq)
        return pb.UpsertProductsResponse(
            seq=written.seq,
            results=[
                pb.UpsertVerdict(
                    product_id=found.id,
                    status=found.status,
                    problem=found.problem,
                    field=found.field,
                )
                for found in written.results
            ],
        )

    async def delete(self, request: pb.DeleteProductRequest) -> pb.DeleteProductResponse:
        """Deletes a product."""
        check_id(request.product_id, "product_id")
        if_seq = request.if_seq if request.HasField("if_seq") else None
        seq = await self._writing().delete(request.product_id, if_seq=if_seq)
        return pb.DeleteProductResponse(seq=seq)

    def _writing(self) -> CatalogWrites:
        if self._writes is None:
            raise Unavailable("this gateway only reads")
        return self._writes
