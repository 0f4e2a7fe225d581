package chef_test

import (
	"testing"

	"github.com/intact-dev/intact/pkg/extract/chef"
	"github.com/intact-dev/intact/pkg/extract/internal/casetest"
)

const recipe = "cookbooks/x/recipes/default.rb"

func TestWhatRecipesRun(t *testing.T) {
	t.Parallel()
	casetest.Run(t, chef.Extractor{}, recipe, []casetest.Case{
		{Name: "container", Files: "docker_container 'app' do\n  repo 'alpine' # intact:ignore REF001 why\n  tag '3.1'\nend\n", Want: "2:9 alpine:3.1 {:3.1} ignore REF001"},
		{Name: "container_named_as_its_image", Files: "docker_container 'alpine' do\n  action :run\nend\n", Want: "1:19 alpine {alpine}"},
		{Name: "container_stopped", Files: "docker_container 'app' do\n  action :stop\nend\n", Want: ""},
		{Name: "image", Files: "docker_image \"alpine\"\ndocker_image 'x' do\n  repo 'r/a'\n  tag \"1\"\n  action :pull\nend\n", Want: "1:15 alpine {alpine}\n3:9 r/a:1 {:1}"},
		{Name: "image_built", Files: "docker_image 'x' do\n  source '/d'\n  action :build_if_missing\nend\n"},
		{Name: "service", Files: "docker_swarm_service 'x' do\n  image 'a:1'\nend\n", Want: "2:10 a:1 {a:1}"},
		{Name: "not_literal", Files: "docker_image node['x']\ndocker_container 'y' do\n  repo \"a/#{x}\"\n  tag '1'\nend\ndocker_container 'z' do\n  repo 'a'\n  tag v\nend\n",
			Want: "1:14 node['x'] ?what \"node['x']\" is, is not evaluated\n3:8 \"a/#{x}\" ?what \"\\\"a/#{x}\\\"\" is, is not evaluated\n7:9 a:v ?what \"v\" is, is not evaluated"},
		{Name: "in_a_condition", Files: "if x\r\n  docker_container('y') do\r\n    repo('a:1')\r\n    if z\r\n      port '1'\r\n    end\r\n  end\r\nend\r\n", Want: "3:11 a:1 {a:1}"},
		{Name: "comments", Files: "# docker_image 'a'\n=begin\ndocker_image 'b'\n=end\npackage 'x' do\n  action :remove\nend\n__END__\ndocker_image 'c'\n"},
		{Name: "heredoc", Files: "bash 'x' do\n  code <<-EOH\n  docker_image 'a'\n  EOH\nend\ndocker_image 'b'\n", Want: "6:15 b {b}"},
		{Name: "heredoc_not_closed", Files: "x = <<~EOH\ndocker_image 'b'\n", Want: "1:1 problem unsupported: a text or comment is not closed: what follows could not be read"},
		{Name: "comment_not_closed", Files: "docker_image 'a'\n=begin\ndocker_image 'b'\n", Want: "1:15 a {a}\n2:1 problem unsupported: a text or comment is not closed: what follows could not be read"},
	})
}

func TestChangesInPlace(t *testing.T) {
	t.Parallel()
	casetest.Run(t, chef.Extractor{}, recipe, []casetest.Case{
		{Name: "package", Files: "package 'nginx'\napt_package 'x' do\n  package_name 'y'\nend\n", Want: "1:1 object package \"nginx\": package nginx on hosts of the recipe\n2:1 object apt_package \"x\": package y on hosts of the recipe"},
		{Name: "packages", Files: "package %w(a b)\n", Want: "1:1 object package \"%w(a b)\": package a b on hosts of the recipe"},
		{Name: "execute", Files: "execute 'docker exec app ls'\nexecute 'x' do\n  command 'kubectl cp a b'\nend\nexecute 'ls'\n",
			Want: "1:1 object execute \"docker exec app ls\": command docker exec app ls on a container, by docker exec\n2:1 object execute \"x\": command kubectl cp a b on a container, by kubectl cp"},
		{Name: "script", Files: "bash 'x' do\n  code <<~EOH\n    set -e\n    docker exec app apt install y\n  EOH\nend\n",
			Want: "1:1 object bash \"x\": command <<~EOH set -e docker exec app apt install y on a container, by docker exec"},
		{Name: "docker_exec", Files: "docker_exec 'x' do\n  container 'app'\n  command ['touch', '/x']\nend\n", Want: "1:1 object docker_exec \"x\": command ['touch', '/x'] on container app"},
	})
}

func TestFilesThatAreNone(t *testing.T) {
	t.Parallel()
	for p, want := range map[string]bool{recipe: true, "resources/x.rb": true, "app/models/a.rb": false, "recipes/a.py": false} {
		if got := (chef.Extractor{}).Match(p, []byte("package 'x'\n")); got != want {
			t.Errorf("%s: %v", p, got)
		}
	}
	if (chef.Extractor{}).Match("resources/page.rb", []byte("class Page\nend\n")) {
		t.Error("a class is taken for a recipe")
	}
}

func FuzzRecipe(f *testing.F) {
	casetest.Fuzz(f, chef.Extractor{}, recipe,
		"docker_container 'a' do # x\n  repo \"b#{c}\"\n  tag '1'\nend\nexecute('docker exec a b')\n=begin\n=end\nbash 'x' do\n code <<-E\n y\n E\nend\npackage %w(a b)\n",
		"docker_image node['x'] do |i|\n  repo 'a'\n  tag('2')\nend\ndocker_exec 'x' do\n command []\nend")
}
