"""Retrieve DICOM Instance (PS3.18 9.4): one object in one transfer syntax, de-identified if that is asked for."""

from __future__ import annotations

from dataclasses import dataclass

from hilum.archive.archive import Archive
from hilum.archive.rewriting.deidentified import deidentified_object
from hilum.archive.rewriting.objects import Form
from hilum.archive.rewriting.secret import server_key
from hilum.archive.rewriting.travelling import ANY, travelling_object
from hilum.dicom.transfer_syntaxes import EXPLICIT_VR_BIG_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN
from hilum.errors import NotAcceptable
from hilum.services.uri.parameters import UriRequest


@dataclass(frozen=True, slots=True)
class InstanceForm:
    """A DICOM object as it is given out, and what its bytes depend on, for the ETag."""

    form: Form
    version: str
    path: str
    """Of the resource below the root of the RESTful services; '' where it would tell what was taken out."""


def retrieve_instance(request: UriRequest, *, archive: Archive) -> InstanceForm:
    """Return the target as a DICOM object.

    Raises:
        TargetNotFound, TargetGone: there is no such object in that series of that study.
        NotAcceptable: it has no form in the transfer syntax, or cannot be de-identified.

    Source: PS3.18 9.4.2 (URI-40 to URI-48).
    """
    target, wanted = request.target, request.transfer_syntax
    instance = archive.index.find_instance(
        target.study_instance_uid, target.series_instance_uid, target.sop_instance_uid
    )
    if wanted in (IMPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_BIG_ENDIAN):
        raise NotAcceptable("This transfer syntax is not used on the web.")
    if not request.is_anonymized:
        form = travelling_object(instance, wanted, archive=archive)
        return InstanceForm(form, f"{instance.blob_id}/{form.transfer_syntax_uid}", instance.path)
    form = deidentified_object(instance, None if wanted == ANY else wanted, archive=archive)
    key = server_key(archive.settings.data).hex()
    return InstanceForm(form, f"{instance.blob_id}/{form.transfer_syntax_uid}/{key}", "")
