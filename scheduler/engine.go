package scheduler

import (
	resourceapi "k8s.io/api/resource/v1"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
)

// Engine schedules with the plugins that its [Config] chose. It is safe for concurrent use.
type Engine struct {
	config Config
	loaded *config.KubeSchedulerConfiguration
}

var deviceClass = &resourceapi.DeviceClass{}

// New checks the configuration as kube-scheduler does when it starts, plugins included.
func New(c Config) (*Engine, error) {
	loaded, err := c.load()
	if err != nil {
		return nil, err
	}
	e := &Engine{config: c, loaded: loaded}
	s, err := e.newSite(&cluster{index: map[string]int{}})
	if err != nil {
		return nil, err
	}
	for i := range loaded.Profiles {
		if _, err := e.profile(s, loaded.Profiles[i].SchedulerName); err != nil {
			return nil, err
		}
	}
	return e, nil
}
