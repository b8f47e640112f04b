package devcontainer

// Config is a configuration of one container, from an image or a Dockerfile.
// Optional booleans are nil when the property is not there.
type Config struct {
	Image string // with Build nil
	Build *Build

	Mounts       []Mount
	RunArgs      []string
	AppPorts     []string // docker run -p
	ForwardPorts []string
	ContainerEnv map[string]string
	RemoteEnv    map[string]*string // nil removes a variable

	ContainerUser       string
	RemoteUser          string
	UpdateRemoteUserUID *bool
	UserEnvProbe        string // "none", "loginInteractiveShell", "interactiveShell", "loginShell"
	OverrideCommand     *bool
	Init                bool
	Privileged          bool
	CapAdd              []string
	SecurityOpt         []string
	Entrypoint          string // only in metadata, of a Feature

	Hooks          map[string]Hook // by the property's name
	WaitFor        string
	ShutdownAction string
	GPU            string // hostRequirements.gpu: "", "required", "optional"
}

// Build builds the image from a Dockerfile.
type Build struct {
	Dockerfile string // relative to devcontainer.json, with slashes
	Context    string // likewise; empty for the Dockerfile's folder
	Args       map[string]string
	Target     string
	CacheFrom  []string
	Network    string // from options
	NoCache    bool   // from options
	Pull       bool   // from options
	Labels     map[string]string
}

// unsupported are the properties that cannot be honoured, and why.
func unsupported() map[string]string {
	return map[string]string{
		"dockerComposeFile": "Docker Compose is not supported yet",
		"features":          "Features are not supported yet; install what they install in the Dockerfile",
	}
}

// inert are the properties that a container does not depend on.
func inert() []string {
	return []string{
		"$schema", "extensions", "settings", "devPort", "portsAttributes", "otherPortsAttributes",
		"overrideFeatureInstallOrder", "secrets", "service", "runServices",
	}
}
