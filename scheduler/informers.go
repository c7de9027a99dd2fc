package scheduler

import (
	"context"
	"reflect"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/informers/admissionregistration"
	"k8s.io/client-go/informers/apiserverinternal"
	"k8s.io/client-go/informers/apps"
	"k8s.io/client-go/informers/autoscaling"
	batchinformers "k8s.io/client-go/informers/batch"
	"k8s.io/client-go/informers/certificates"
	"k8s.io/client-go/informers/coordination"
	"k8s.io/client-go/informers/core"
	"k8s.io/client-go/informers/discovery"
	"k8s.io/client-go/informers/events"
	"k8s.io/client-go/informers/extensions"
	"k8s.io/client-go/informers/flowcontrol"
	"k8s.io/client-go/informers/internalinterfaces"
	"k8s.io/client-go/informers/lifecycle"
	"k8s.io/client-go/informers/networking"
	"k8s.io/client-go/informers/node"
	"k8s.io/client-go/informers/policy"
	"k8s.io/client-go/informers/rbac"
	"k8s.io/client-go/informers/resource"
	"k8s.io/client-go/informers/scheduling"
	"k8s.io/client-go/informers/storage"
	"k8s.io/client-go/informers/storagemigration"
	"k8s.io/client-go/tools/cache"
)

// shelf is an informer factory without an API server. Every informer is an indexer filled from the
// snapshot. Handlers are told of its objects as they register. Nothing is ever started, so no
// goroutine exists.
type shelf struct {
	informers.SharedInformerFactory // nil; what is not overridden below must not be called
	byType                          map[reflect.Type]*stillInformer
}

var _ informers.SharedInformerFactory = (*shelf)(nil)

func newShelf() *shelf { return &shelf{byType: map[reflect.Type]*stillInformer{}} }

// put adds an object to the informer of its type.
func (s *shelf) put(obj runtime.Object) error { return s.informer(obj).indexer.Add(obj) }

// add puts an object that appears later. Handlers that are there already hear of it.
func (s *shelf) add(obj runtime.Object) error {
	i := s.informer(obj)
	if err := i.indexer.Add(obj); err != nil {
		return err
	}
	for _, h := range i.handlers {
		h.OnAdd(obj, false)
	}
	return nil
}

func (s *shelf) informer(obj runtime.Object) *stillInformer {
	t := reflect.TypeOf(obj)
	i, ok := s.byType[t]
	if !ok {
		i = &stillInformer{indexer: cache.NewIndexer(cache.DeletionHandlingMetaNamespaceKeyFunc,
			cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc})}
		s.byType[t] = i
	}
	return i
}

// InformerFor returns the still informer of the object's type. It does not call newFunc, which
// would talk to a server.
func (s *shelf) InformerFor(obj runtime.Object, _ internalinterfaces.NewInformerFunc) cache.SharedIndexInformer {
	return s.informer(obj)
}

func (s *shelf) InformerName() *cache.InformerName     { return nil }
func (s *shelf) Start(<-chan struct{})                 {}
func (s *shelf) StartWithContext(context.Context)      {}
func (s *shelf) Shutdown()                             {}
func (s *shelf) Core() core.Interface                  { return core.New(s, "", nil) }
func (s *shelf) Apps() apps.Interface                  { return apps.New(s, "", nil) }
func (s *shelf) Batch() batchinformers.Interface       { return batchinformers.New(s, "", nil) }
func (s *shelf) Policy() policy.Interface              { return policy.New(s, "", nil) }
func (s *shelf) Storage() storage.Interface            { return storage.New(s, "", nil) }
func (s *shelf) Resource() resource.Interface          { return resource.New(s, "", nil) }
func (s *shelf) Scheduling() scheduling.Interface      { return scheduling.New(s, "", nil) }
func (s *shelf) Autoscaling() autoscaling.Interface    { return autoscaling.New(s, "", nil) }
func (s *shelf) Certificates() certificates.Interface  { return certificates.New(s, "", nil) }
func (s *shelf) Coordination() coordination.Interface  { return coordination.New(s, "", nil) }
func (s *shelf) Discovery() discovery.Interface        { return discovery.New(s, "", nil) }
func (s *shelf) Events() events.Interface              { return events.New(s, "", nil) }
func (s *shelf) Extensions() extensions.Interface      { return extensions.New(s, "", nil) }
func (s *shelf) Flowcontrol() flowcontrol.Interface    { return flowcontrol.New(s, "", nil) }
func (s *shelf) Internal() apiserverinternal.Interface { return apiserverinternal.New(s, "", nil) }
func (s *shelf) Lifecycle() lifecycle.Interface        { return lifecycle.New(s, "", nil) }
func (s *shelf) Networking() networking.Interface      { return networking.New(s, "", nil) }
func (s *shelf) Node() node.Interface                  { return node.New(s, "", nil) }
func (s *shelf) Rbac() rbac.Interface                  { return rbac.New(s, "", nil) }
func (s *shelf) Storagemigration() storagemigration.Interface {
	return storagemigration.New(s, "", nil)
}
func (s *shelf) Admissionregistration() admissionregistration.Interface {
	return admissionregistration.New(s, "", nil)
}

// WaitForCacheSync reports every informer as synced: they are full from the start.
func (s *shelf) WaitForCacheSync(<-chan struct{}) map[reflect.Type]bool {
	synced := map[reflect.Type]bool{}
	for t := range s.byType {
		synced[t] = true
	}
	return synced
}

// WaitForCacheSyncWithContext reports every informer as synced: they are full from the start.
func (s *shelf) WaitForCacheSyncWithContext(context.Context) cache.SyncResult {
	return cache.SyncResult{Synced: s.WaitForCacheSync(nil)}
}

// ForResource returns an error: the snapshot is typed.
func (s *shelf) ForResource(r schema.GroupVersionResource) (informers.GenericInformer, error) {
	return nil, errorf("no generic informer for %s: the snapshot is typed", r)
}

// stillInformer is a SharedIndexInformer over an indexer that never runs.
type stillInformer struct {
	cache.SharedIndexInformer // nil; what is not overridden below must not be called
	indexer                   cache.Indexer
	handlers                  []cache.ResourceEventHandler
}

var closed = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

// registered is the registration of a handler and the proof that it has heard everything.
type registered struct{}

func (registered) HasSynced() bool                     { return true }
func (registered) HasSyncedChecker() cache.DoneChecker { return registered{} }
func (registered) Name() string                        { return "snapshot" }
func (registered) Done() <-chan struct{}               { return closed }

func (i *stillInformer) AddEventHandler(h cache.ResourceEventHandler) (cache.ResourceEventHandlerRegistration, error) {
	i.handlers = append(i.handlers, h)
	for _, obj := range i.indexer.List() {
		h.OnAdd(obj, true)
	}
	return registered{}, nil
}

func (i *stillInformer) AddEventHandlerWithResyncPeriod(h cache.ResourceEventHandler, _ time.Duration) (
	cache.ResourceEventHandlerRegistration, error) {
	return i.AddEventHandler(h)
}

func (i *stillInformer) AddEventHandlerWithOptions(h cache.ResourceEventHandler, _ cache.HandlerOptions) (
	cache.ResourceEventHandlerRegistration, error) {
	return i.AddEventHandler(h)
}

func (i *stillInformer) RemoveEventHandler(cache.ResourceEventHandlerRegistration) error { return nil }
func (i *stillInformer) GetStore() cache.Store                                           { return i.indexer }
func (i *stillInformer) GetIndexer() cache.Indexer                                       { return i.indexer }
func (i *stillInformer) AddIndexers(x cache.Indexers) error {
	return i.indexer.AddIndexers(
		x)
}
func (i *stillInformer) HasSynced() bool                        { return true }
func (i *stillInformer) HasSyncedChecker() cache.DoneChecker    { return registered{} }
func (i *stillInformer) LastSyncResourceVersion() string        { return "" }
func (i *stillInformer) IsStopped() bool                        { return false }
func (i *stillInformer) SetTransform(cache.TransformFunc) error { return nil }
func (i *stillInformer) Run(<-chan struct{})                    {}
func (i *stillInformer) RunWithContext(context.Context)         {}
