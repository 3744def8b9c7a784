// Package pkgxtest serves bottles from memory, laid out as pkgx's distribution is, for tests and
// for trying things by hand (the command in its folder cmd):
//
//	s := pkgxtest.New(pkgxtest.Samples()...)
//	srv := httptest.NewServer(s)
//	defer srv.Close()
//
// Archives are made when they are first asked for, the same bytes each time. What is not there is
// refused as the storage behind pkgx does it. Any other file can be put in ([Server.Put]) or taken
// out ([Server.Remove]), to be a registry that lacks something or lies.
package pkgxtest
