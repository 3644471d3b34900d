"""A Beam pipeline cut where its elements are dealt out, and a runner of the bundles of one part.

    Impulse -> stage -> Reshuffle -> stage

is the one shape that ``cut`` takes: bounded elements, then steps that look at one element at a time. Nothing that
groups, no side inputs, no state, no timers. Fusing and running steps is Beam's own code, that of its DirectRunner.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from apache_beam.coders.coder_impl import create_InputStream, create_OutputStream
from apache_beam.metrics import monitoring_infos
from apache_beam.portability import common_urns
from apache_beam.portability.api import beam_fn_api_pb2, beam_runner_api_pb2
from apache_beam.runners import common, pipeline_context
from apache_beam.runners.portability.fn_api_runner import translations
from apache_beam.runners.worker import bundle_processor, data_plane

from schemas.errors import JobError

SHAPE = "Create, Reshuffle and then steps that look at one element at a time"
_IMPULSE, _RESHUFFLE = common_urns.primitives.IMPULSE.urn, common_urns.composites.RESHUFFLE.urn
_SOURCE, _SINK = "stage_source", "stage_sink"

# Beam's ParDo under a name of ours: in a process of PyFlink's workers Beam's own name makes PyFlink's operators
_PAR_DO = "yuqing:transform:pardo:v1"
bundle_processor.BeamTransformFactory.register_urn(_PAR_DO, beam_runner_api_pb2.ParDoPayload)(
    bundle_processor.create_par_do
)

Counted = tuple[str, str, str, int]
"""Step, namespace and name of a user's counter, and by how much a bundle moved it."""


@dataclass(frozen=True)
class Cut:
    """``elements``: encoded, for the part ``descriptor`` (a serialised ProcessBundleDescriptor)."""

    elements: tuple[bytes, ...]
    descriptor: bytes


def cut(pipeline: beam_runner_api_pb2.Pipeline) -> Cut:
    """Run the part before the Reshuffle here and return its elements with the part after it.

    Raises JobError for a pipeline of another shape; it names the steps.
    """
    planned = translations.optimize_pipeline(
        pipeline,
        phases=translations.standard_optimize_phases(),
        known_runner_urns=frozenset(
            [_IMPULSE, _RESHUFFLE, common_urns.primitives.FLATTEN.urn, common_urns.primitives.GROUP_BY_KEY.urn]
        ),
        partial=False,
    )
    steps = [planned.components.transforms[identity] for identity in planned.root_transform_ids]
    urns = [step.spec.urn for step in steps]
    if urns != [_IMPULSE, common_urns.executable_stage, _RESHUFFLE, common_urns.executable_stage]:
        raise JobError(f"this engine runs {SHAPE}, not {' -> '.join(urn.split(':')[-2] for urn in urns)}")
    first, second = _descriptor(planned, steps[1]), _descriptor(planned, steps[3])
    with Bundles(first.SerializeToString()) as made:
        chunks, _ = made.run(common.ENCODED_IMPULSE_VALUE)
    read, write = _coder(first, _SINK), _coder(second, _SOURCE)
    return Cut(
        tuple(_encode(write, element) for chunk in chunks for element in _decode_all(read, chunk)),
        second.SerializeToString(),
    )


class Bundles:
    """Runs bundles of one part: DoFns are set up once, here, and torn down by ``close``. One thread."""

    def __init__(self, descriptor: bytes) -> None:
        parsed = beam_fn_api_pb2.ProcessBundleDescriptor.FromString(descriptor)
        self._steps = {identity: step.unique_name for identity, step in parsed.transforms.items()}
        self._outside = data_plane.InMemoryDataChannel()
        factory = data_plane.InMemoryDataChannelFactory(self._outside.inverse())
        self._processor = bundle_processor.BundleProcessor(frozenset(), parsed, None, factory)
        self._number = 0

    def __enter__(self) -> Bundles:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, elements: bytes) -> tuple[list[bytes], list[Counted]]:
        """Encoded elements in, encoded results (empty for a part that ends the pipeline) and what was counted out.

        Raises what a step raised; this object is of no use afterwards but for ``close``.
        """
        self._number += 1
        bundle = f"bundle_{self._number}"
        stream = self._outside.output_stream(bundle, _SOURCE)
        stream.write(elements)
        stream.close()
        residual, finalise = self._processor.process_bundle(bundle)
        if residual or finalise:
            raise JobError(f"this engine runs {SHAPE}, not splittable steps or steps that wait for a commit")
        results = [one.data for one in self._outside.input_elements(bundle, [_SINK]) if one.data]
        counted = [self._counted(one) for one in self._processor.monitoring_infos() if _is_counter(one)]
        self._processor.reset()
        return results, counted

    def _counted(self, info: Any) -> Counted:
        namespace, name = monitoring_infos.parse_namespace_and_name(info)
        step = self._steps.get(monitoring_infos.get_step_name(info), "")
        return step, namespace, name, monitoring_infos.extract_counter_value(info)

    def close(self) -> None:
        self._processor.shutdown()


def _is_counter(info: Any) -> bool:
    return monitoring_infos.is_user_monitoring_info(info) and monitoring_infos.is_counter(info)


def _descriptor(
    pipeline: beam_runner_api_pb2.Pipeline, step: beam_runner_api_pb2.PTransform
) -> beam_fn_api_pb2.ProcessBundleDescriptor:
    """What a worker needs to run a fused stage: its steps, between a source and, if it has results, a sink."""
    stage = beam_runner_api_pb2.ExecutableStagePayload.FromString(step.spec.payload)
    if stage.side_inputs or stage.user_states or stage.timers or len(stage.outputs) > 1:
        raise JobError(f"this engine runs {SHAPE}, not side inputs, state, timers or several outputs")
    parts = stage.components
    transforms = {identity: parts.transforms[identity] for identity in stage.transforms}
    for part in transforms.values():
        if part.spec.urn == common_urns.primitives.PAR_DO.urn:
            part.spec.urn = _PAR_DO
    coders = dict(pipeline.components.coders)
    transforms[_SOURCE] = beam_runner_api_pb2.PTransform(
        spec=_port(bundle_processor.DATA_INPUT_URN, parts, coders, stage.input), outputs={"out": stage.input}
    )
    for output in stage.outputs:
        transforms[_SINK] = beam_runner_api_pb2.PTransform(
            spec=_port(bundle_processor.DATA_OUTPUT_URN, parts, coders, output), inputs={"in": output}
        )
    return beam_fn_api_pb2.ProcessBundleDescriptor(
        id="stage",
        transforms=transforms,
        pcollections=parts.pcollections,
        coders=coders,
        windowing_strategies=parts.windowing_strategies,
        environments=parts.environments,
    )


def _port(
    urn: str, parts: beam_runner_api_pb2.Components, coders: dict[str, beam_runner_api_pb2.Coder], collection: str
) -> beam_runner_api_pb2.FunctionSpec:
    """The end of a data channel; adds the coder of what goes through it to ``coders``."""
    found = parts.pcollections[collection]
    window = parts.windowing_strategies[found.windowing_strategy_id].window_coder_id
    name = f"windowed_{found.coder_id}_{window}"
    coders[name] = beam_runner_api_pb2.Coder(
        spec=beam_runner_api_pb2.FunctionSpec(urn=common_urns.coders.WINDOWED_VALUE.urn),
        component_coder_ids=[found.coder_id, window],
    )
    port = beam_fn_api_pb2.RemoteGrpcPort(coder_id=name)
    return beam_runner_api_pb2.FunctionSpec(urn=urn, payload=port.SerializeToString())


def _coder(descriptor: beam_fn_api_pb2.ProcessBundleDescriptor, port: str) -> Any:
    payload = beam_fn_api_pb2.RemoteGrpcPort.FromString(descriptor.transforms[port].spec.payload)
    return pipeline_context.PipelineContext(descriptor).coders.get_by_id(payload.coder_id).get_impl()


def _decode_all(coder: Any, encoded: bytes) -> Sequence[Any]:
    stream = create_InputStream(encoded)
    found = []
    while stream.size() > 0:
        found.append(coder.decode_from_stream(stream, True))
    return found


def _encode(coder: Any, element: Any) -> bytes:
    stream = create_OutputStream()
    coder.encode_to_stream(element, stream, True)
    return bytes(stream.get())
