package capacity

import (
	corev1 "k8s.io/api/core/v1"
)

// hostPort is a port that a pod takes on its node.
type hostPort struct {
	ip       string
	protocol corev1.Protocol
	port     int32
}

const anyIP = "0.0.0.0"

// conflicts reports whether two pods cannot have these ports on one node: the same port of a
// protocol on one address, where 0.0.0.0 is every address (k8s.io/kube-scheduler/framework,
// HostPortInfo.CheckConflict).
func (p hostPort) conflicts(other hostPort) bool {
	return p.port == other.port && p.protocol == other.protocol &&
		(p.ip == other.ip || p.ip == anyIP || other.ip == anyIP)
}

// addHostPorts appends the ports that a pod takes while it runs: those of its containers and of the
// init containers that stay (pkg/scheduler/util/utils.go:242, GetHostPorts).
func addHostPorts(ports []hostPort, spec *corev1.PodSpec) []hostPort {
	for i := range spec.InitContainers {
		c := &spec.InitContainers[i]
		if c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways {
			ports = addContainerPorts(ports, c)
		}
	}
	for i := range spec.Containers {
		ports = addContainerPorts(ports, &spec.Containers[i])
	}
	return ports
}

func addContainerPorts(ports []hostPort, c *corev1.Container) []hostPort {
	for _, p := range c.Ports {
		if p.HostPort <= 0 {
			continue
		}
		ip, protocol := p.HostIP, p.Protocol
		if ip == "" {
			ip = anyIP
		}
		if protocol == "" {
			protocol = corev1.ProtocolTCP
		}
		ports = append(ports, hostPort{ip, protocol, p.HostPort})
	}
	return ports
}

func anyConflict(wanted, used []hostPort) bool {
	for _, w := range wanted {
		for _, u := range used {
			if w.conflicts(u) {
				return true
			}
		}
	}
	return false
}
