"""The functions of the dialects under torch's compiler, in a process that has called none of them."""

import dataclasses

import pytest
from benchmarks.cases import Peer, arrays_for, kind, peers_of

from arraylosses import _array_api, dialects

torch = pytest.importorskip("torch")

pytestmark = [pytest.mark.backend("torch"), pytest.mark.usefixtures("nothing_remembered")]

SHAPES = {"elements": (6,), "classes": (4, 3), "vectors": (4, 3)}
PEERS = {
    f"{library}-{key}": dataclasses.replace(peer, loss=peer.loss or key)
    for library in ("torch", "keras", "optax")
    for key, peer in peers_of(library, getattr(dialects, library)).items()
}


@pytest.fixture
def nothing_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the package remembers of the types of arrays is forgotten, and what the compiler does."""
    for name in ("_NAMESPACES", "_KINDS", "_NAMES"):
        monkeypatch.setattr(_array_api, name, {})
    torch.compiler.reset()


@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides:UserWarning")  # of kl_div, as torch has it
@pytest.mark.parametrize("key", PEERS)
def test_it_is_one_graph_at_once_and_is_not_compiled_again(key: str) -> None:
    peer: Peer = PEERS[key]
    arrays = [torch.tensor(x) for x in arrays_for(peer, SHAPES[kind(peer.loss)])]
    if key.startswith("keras"):
        arrays[:2] = reversed(arrays[:2])
    compiled = torch.compile(lambda *given: peer.call(*given), fullgraph=True, backend="eager")
    found = compiled(*arrays)
    with torch._dynamo.config.patch(error_on_recompile=True):
        torch.testing.assert_close(compiled(*arrays), found, rtol=0.0, atol=0.0)
    torch.testing.assert_close(found, peer.call(*arrays), rtol=1e-6, atol=1e-7)
