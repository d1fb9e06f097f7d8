// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.crds;

/**
 * Why a layer is in its state. What is in the API is the {@link #value}: a string, so that components of different versions
 * understand each other.
 */
public enum LayerReason {
    /** NothingToDo: no file that the process maps has the build-id that the patch was built for. */
    BUILD_ID_MISMATCH("BuildIdMismatch"),
    /** NothingToDo: the process has no thread of the name that the layer is meant for. */
    NO_THREAD_MATCHES("NoThreadMatches"),
    /** Observed: the patch fits a file that the process maps. */
    WOULD_APPLY("WouldApply"),
    /** Applying: the patch file is being fetched from its registry; nothing has begun. */
    FETCHING_PATCH("FetchingPatch"),
    /** Applying: the view is being built; no thread has moved. */
    PREPARING("Preparing"),
    /** Applying, Reverting: threads are moving and none is held. */
    MOVING_THREADS("MovingThreads"),
    /** Applying, Reverting: threads are held by a function that differs; the process is mixed. */
    WAITING_FOR_QUIESCENCE("WaitingForQuiescence"),
    /**
     * Applying with onDeadline Keep: still mixed after the deadline. Reverting and Reverted with onDeadline Revert: taken back
     * for it.
     */
    DEADLINE_EXCEEDED("DeadlineExceeded"),
    /** Applied: every selected thread runs the layer. */
    ALL_THREADS_MOVED("AllThreadsMoved"),
    /** Reverted: as it was ordered. */
    TAKEN_BACK("TakenBack"),
    /** Refused: the ViewPatchArtifact does not exist. */
    ARTIFACT_NOT_FOUND("ArtifactNotFound"),
    /** Refused: the ViewPatchArtifact, or what it names in a registry, holds no patch file. */
    INVALID_ARTIFACT("InvalidArtifact"),
    /** Refused for now: the registry can not be reached, is too slow or fails. */
    REGISTRY_UNAVAILABLE("RegistryUnavailable"),
    /** Refused for now: the agents may not ask the registry, or it gives them nothing. */
    REGISTRY_DENIED("RegistryDenied"),
    /** Refused for now: the registry has no such artifact. */
    NOT_IN_REGISTRY("NotInRegistry"),
    /** Refused: the patch file, or what a registry sent, has another digest than was named. */
    DIGEST_MISMATCH("DigestMismatch"),
    /** Refused: nobody vouches for the patch whose key the node trusts. */
    UNTRUSTED_PATCH("UntrustedPatch"),
    /** Refused: the patch file cannot be read. */
    INVALID_PATCH("InvalidPatch"),
    /** Refused: the function that the patch was built from is not the one that runs. */
    NOT_THE_RUNNING_CODE("NotTheRunningCode"),
    /** Refused: something else changed the code in memory. */
    TEXT_MODIFIED("TextModified"),
    /** Refused: the patch refers to a symbol that the process does not have. */
    SYMBOL_NOT_FOUND("SymbolNotFound"),
    /** Refused: the patch holds what cannot be applied yet. */
    UNSUPPORTED_CODE("UnsupportedCode"),
    /** Refused, Applying, Reverting: the process does what rules patching out, such as making views of itself. */
    UNSUPPORTED_TARGET("UnsupportedTarget"),
    /** Refused: a function that is to be excluded does not exist. */
    UNKNOWN_FUNCTION("UnknownFunction"),
    /**
     * Refused: a function that is to be excluded can not be: other code enters it in its first bytes, or exceptions may pass
     * there.
     */
    NOT_EXCLUDABLE("NotExcludable"),
    /** Refused: another layer changes the same code and neither is based on the other. */
    CONFLICT("Conflict"),
    /** Refused: no free addresses near enough to the code. */
    NO_ROOM_FOR_CODE("NoRoomForCode"),
    /** Refused: a variable that an earlier version of the patch added can not be gone on with. */
    CHANGED_VARIABLE("ChangedVariable"),
    /** Refused: the process has as many patches as it may have. */
    TOO_MANY_PATCHES("TooManyPatches"),
    /** Refused: the node has no working kernel module; its ViewNode says why. */
    MODULE_UNAVAILABLE("ModuleUnavailable"),
    /** Refused, Applying, Reverting: the agent may not act on the process. */
    ACCESS_DENIED("AccessDenied"),
    /** Refused, Applying, Reverting: a fault of the agent or its machine; the message names it. */
    INTERNAL_ERROR("InternalError");

    private final String value;

    LayerReason(final String value) {
        this.value = value;
    }

    /** The reason, as it stands in a {@link LayerStatus}. */
    public String value() {
        return value;
    }
}
