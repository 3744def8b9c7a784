// Package githubtest is a small GitHub on the loopback interface: the part of the REST API that
// has to do with repositories, releases, tags, search and packages, the web's download addresses,
// and the storage that both send to. It behaves as GitHub does where a client can go wrong: three
// origins, signed addresses that refuse a credential, rate limits, ETags that differ by token,
// pages, renamed repositories, 404 for what may not be seen, no answer without a User-Agent.
//
//	s := githubtest.Start(t, githubtest.Options{}, githubtest.Repo{
//		Name: "acme/tool", Releases: []githubtest.Release{{Tag: "v1.0.0", Assets: []githubtest.Asset{
//			{Name: "tool_linux_amd64.tar.gz", Data: data},
//		}}},
//	})
//	client, err := transport.New(transport.Options{URL: s.URL})
//
// A [Server] can also be put behind listeners of one's own; as a plain handler it has all of
// GitHub on one origin, and gives the bytes of assets without sending elsewhere.
package githubtest
