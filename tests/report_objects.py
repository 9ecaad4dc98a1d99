"""Structured reports, documents and waveforms to test with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import generate_uid

from hilum.render.parameters import RenderingParameters
from hilum.render.rendering import Rendering, nothing_stored
from hilum.render.source import Source
from render_sources import attributes
from samples import PREFIX

SERVICE = "https://example.org/dicomweb"


def code(value: str, meaning: str, scheme: str = "DCM") -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def content(value_type: str, name: str = "", relationship: str = "CONTAINS", **values: Any) -> Dataset:
    """Return a content item; `values` are its attributes."""
    item = Dataset()
    item.ValueType, item.RelationshipType = value_type, relationship
    if name:
        item.ConceptNameCodeSequence = Sequence([code("N1", name)])
    for keyword, value in values.items():
        setattr(item, keyword, Sequence(value) if isinstance(value, list) and isinstance(value[0], Dataset) else value)
    return item


def reference(uid: str, sop_class: str = "1.2.840.10008.5.1.4.1.1.2", **values: Any) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = sop_class, uid
    for keyword, value in values.items():
        setattr(item, keyword, value)
    return item


def number(value: str, unit: str, meaning: str) -> Dataset:
    item = Dataset()
    item.NumericValue, item.MeasurementUnitsCodeSequence = value, Sequence([code(unit, meaning, "UCUM")])
    return item


def make_report(*items: Dataset, title: str = "Imaging Report", **values: Any) -> Dataset:
    """Return a comprehensive structured report with these content items."""
    report = Dataset()
    report.SpecificCharacterSet = "ISO_IR 192"
    report.SOPClassUID, report.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.88.33", generate_uid(PREFIX)
    report.StudyInstanceUID, report.SeriesInstanceUID = generate_uid(PREFIX), generate_uid(PREFIX)
    report.PatientName, report.PatientID, report.Modality = "Doe^Jane", "P1", "SR"
    report.PatientBirthDate, report.StudyDate = "19700101", "20240131"
    report.ValueType, report.ContinuityOfContent = "CONTAINER", "SEPARATE"
    report.ConceptNameCodeSequence = Sequence([code("18748-4", title, "LN")])
    report.CompletionFlag, report.VerificationFlag = "COMPLETE", "UNVERIFIED"
    report.ContentSequence = Sequence(list(items))
    for keyword, value in values.items():
        setattr(report, keyword, value)
    return report


def evidence(*targets: tuple[str, str, str]) -> Sequence:
    """Return a sequence that says where instances belong: study, series, instance."""
    studies = []
    for study_uid, series_uid, uid in targets:
        series, study = Dataset(), Dataset()
        series.SeriesInstanceUID, series.ReferencedSOPSequence = series_uid, Sequence([reference(uid)])
        study.StudyInstanceUID, study.ReferencedSeriesSequence = study_uid, Sequence([series])
        studies.append(study)
    return Sequence(studies)


def rendering_of(
    dataset: Dataset,
    parameters: RenderingParameters | None = None,
    is_stored: Callable[..., bool] = nothing_stored,
) -> Rendering:
    """Return the rendering of a data set without pixels."""
    source = Source(
        str(dataset.SOPClassUID), "", attributes(dataset), None, lambda: b"", "/studies/1/series/2/instances/3"
    )
    return Rendering(source, [], parameters or RenderingParameters(service_url=SERVICE), is_stored=is_stored)


def make_document(data: bytes, media_type: str, **values: Any) -> Dataset:
    """Return an encapsulated document, padded."""
    document = make_report()
    for keyword in ("ContentSequence", "ValueType", "ContinuityOfContent", "ConceptNameCodeSequence"):
        delattr(document, keyword)
    document.SOPClassUID = "1.2.840.10008.5.1.4.1.1.104.1"
    document.MIMETypeOfEncapsulatedDocument = media_type
    document.DocumentTitle = "A <document>"
    document.EncapsulatedDocument = data + b"\0" * (len(data) % 2)
    document.EncapsulatedDocumentLength = len(data)
    for keyword, value in values.items():
        setattr(document, keyword, value)
    return document


def channel(name: str, unit: str = "mV", **values: Any) -> Dataset:
    item = Dataset()
    item.ChannelSourceSequence = Sequence([code("L", name)])
    item.ChannelSensitivity = "0.001" if unit == "mV" else "1"
    item.ChannelSensitivityUnitsSequence = Sequence([code(unit, unit, "UCUM")])
    item.ChannelSensitivityCorrectionFactor, item.ChannelBaseline = "1", "0"
    item.WaveformBitsStored = 16
    for keyword, value in values.items():
        setattr(item, keyword, value)
    return item


def make_waveform(samples: NDArray[np.int16], channels: list[Dataset], frequency: float, **values: Any) -> Dataset:
    """Return a waveform object of one group; `samples` have shape (samples, channels)."""
    waveform = make_document(b"", "x")
    for keyword in ("EncapsulatedDocument", "EncapsulatedDocumentLength", "MIMETypeOfEncapsulatedDocument"):
        delattr(waveform, keyword)
    waveform.SOPClassUID = "1.2.840.10008.5.1.4.1.1.9.1.1"
    group = Dataset()
    group.NumberOfWaveformChannels, group.NumberOfWaveformSamples = len(channels), len(samples)
    group.SamplingFrequency, group.MultiplexGroupLabel = frequency, "RHYTHM"
    group.ChannelDefinitionSequence = Sequence(channels)
    group.WaveformBitsAllocated, group.WaveformSampleInterpretation = 16, "SS"
    group.add_new(0x54001010, "OW", samples.astype("<i2").tobytes())
    for keyword, value in values.items():
        setattr(group, keyword, value)
    waveform.WaveformSequence = Sequence([group])
    return waveform
