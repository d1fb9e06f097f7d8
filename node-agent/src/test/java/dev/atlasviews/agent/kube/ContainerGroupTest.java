// SPDX-License-Identifier: Apache-2.0
package dev.atlasviews.agent.kube;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** On lines as kubelets and container runtimes make them. */
final class ContainerGroupTest {
    private static final String ID = ContainerProcessesTest.ID;
    private static final String OTHER = "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210";
    private static final String UID = "0d6d2f4e-8f0b-4a34-9c1c-000000000001";
    private static final String STATIC = "pod6f1ee3b6cd2e9ba8b9dcbf0d4d2d5e5b";
    private static final String SLICE = "pod" + UID.replace('-', '_') + ".slice";

    @ParameterizedTest
    @ValueSource(
            strings = {
                "4:memory:/kubepods/burstable/podUID/ID",
                "0::/kubepods/podUID/ID",
                "0::/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-SLICE/cri-containerd-ID.scope",
                "0::/kubepods.slice/kubepods-SLICE/crio-ID.scope",
                "0::/kubepods.slice/kubepods-SLICE/docker-ID.scope",
                // Subgroups: of crun, and of a container that has a systemd of its own.
                "0::/kubepods.slice/kubepods-SLICE/crio-ID.scope/container",
                "0::/kubepods/podUID/ID/system.slice/web.service",
                "0::/kubepods/podUID/ID/\u0085\r",
                // A kubelet that names groups as systemd does, and a runtime that does not ask systemd for them.
                "0::/system.slice/containerd.service/kubepods-burstable-SLICE:cri-containerd:ID",
                // As they are seen from another control group.
                "0::/../../podUID/ID",
                // A node that is a container of a pod of another cluster.
                "0::/kubepods/pod99999999-8f0b-4a34-9c1c-000000000001/" + OTHER + "/kubelet/kubepods/podUID/ID",
                // A static pod, whose group knows a digest of its file.
                "0::/kubepods/burstable/STATIC/ID",
                "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-STATIC.slice/crio-ID.scope",
                // The same on a node that is a pod.
                "0::/kubepods/pod99999999-8f0b-4a34-9c1c-000000000001/" + OTHER + "/kubelet/kubepods/STATIC/ID"
            })
    void processesOfTheContainerAreInIt(final String line) throws IOException {
        assertThat(new ContainerGroup(UID, "containerd://" + ID).has(filled(line)))
                .isTrue();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "0::/",
                "0::/system.slice/ssh.service",
                "0::/kubepods/podUID",
                "0::/kubepods/podUID/" + OTHER,
                "0::/kubepods/podUID/ID0",
                "0::/kubepods/podUID/0ID",
                "0::/kubepods/podUID/ID.service",
                // The program by which CRI-O watches a container is the node's.
                "0::/kubepods.slice/kubepods-SLICE/crio-conmon-ID.scope",
                "0::/system.slice/crio-conmon-ID.scope",
                // Another pod's.
                "0::/kubepods/pod0d6d2f4e-8f0b-4a34-9c1c-000000000002/ID",
                "0::/kubepods.slice/kubepods-pod0d6d2f4e_8f0b_4a34_9c1c_000000000002.slice/crio-ID.scope",
                "0::/kubepods-pod0d6d2f4e_8f0b_4a34_9c1c_000000000002.slice:cri-containerd:ID",
                // On a node that is a static pod of another cluster.
                "0::/kubepods/STATIC/" + OTHER + "/kubelet/kubepods/pod0d6d2f4e-8f0b-4a34-9c1c-000000000002/ID"
            })
    void otherProcessesAreNot(final String line) throws IOException {
        assertThat(new ContainerGroup(UID, "containerd://" + ID).has(filled(line)))
                .isFalse();
    }

    @Test
    void whatIsNoIdOfAContainerNamesNoGroup() {
        assertThat(new String[] {
                    "containerd://",
                    ID,
                    "x//system.slice",
                    "containerd://system.slice",
                    "containerd://" + UID,
                    "containerd://kubepods-besteffort",
                    "containerd://.*" + ID.substring(2),
                    "containerd://" + ID + "/x"
                })
                .allSatisfy(id -> assertThatThrownBy(() -> new ContainerGroup(UID, id))
                        .isInstanceOf(IOException.class)
                        .hasMessageContaining(id));
    }

    private static String filled(final String line) {
        return line.replace("SLICE", SLICE)
                .replace("STATIC", STATIC)
                .replace("UID", UID)
                .replace("ID", ID);
    }
}
