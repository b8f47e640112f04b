package workspace

// ProjectName returns the name that a workspace folder's loads go by, the same
// one on the host and in the container: the folder's own name, made fit for a
// folder in bpffs.
func ProjectName(folder string) string { return projectName(folder) }
