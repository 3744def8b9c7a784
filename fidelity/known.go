package main

// known says why a command of a manifest fails in a layout, where that is not Pantry's to remove; "" if
// it should pass. Whoever removes a reason removes the line: nobody would see the command fail again.
func (b build) known(manifest string) string {
	if b.linker != "isolated" {
		return ""
	}
	switch manifest {
	case "nest":
		return "`@nestjs/common` loads `@nestjs/platform-express`, which it does not declare"
	case "nuxt":
		return "`@nuxt/schema` imports `scule`, which it does not declare"
	case "remix":
		return "a file of `@remix-run/dev` imports `isbot`, which it does not declare"
	case "storybook":
		return "`storybook` loads `@storybook/react-vite`, which it does not declare"
	}
	return ""
}

// outcome is what became of a build, in a few words.
func (b build) outcome(manifest string) string {
	switch {
	case b.err == nil:
		return "passes"
	case b.npm != nil:
		return "fails with npm too"
	case b.known(manifest) != "":
		return "fails: " + b.known(manifest)
	}
	return "**fails**"
}
