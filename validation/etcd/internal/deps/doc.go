// Package deps holds the dependencies of this module that are not imported yet, under the build tag deps.
package deps
