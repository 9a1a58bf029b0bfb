// Flags and file: what they set, and the exact sentence for each mistake.
#include "src/node/config.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <vector>

#include "src/node/settings.h"
#include "tests/unit/suite.h"

namespace {

using node::CommandLine;
using node::Config;
using Action = CommandLine::Action;

CommandLine run(const std::vector<std::string>& arguments) {
  std::vector<const char*> argv{"crosstalkd"};
  for (const std::string& argument : arguments) argv.push_back(argument.c_str());
  return node::read_command_line(static_cast<int>(argv.size()), argv.data());
}

// A directory of its own, so that sentences name files by short names.
struct Scratch {
  Scratch() : from(get_current_dir_name()) {
    std::string name = "/tmp/crosstalk-config-XXXXXX";
    ck_assert_ptr_nonnull(mkdtemp(name.data()));
    path = name;
    ck_assert_int_eq(chdir(path.c_str()), 0);
    write("secret", "0123456789abcdef\n", 0600);
  }
  ~Scratch() {
    for (const std::string& file : files) unlink(file.c_str());
    ck_assert_int_eq(chdir(from), 0);
    std::free(from);
    rmdir(path.c_str());
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  void write(const std::string& name, const std::string& text, mode_t mode = 0644) {
    unlink(name.c_str());
    std::ofstream(name) << text;
    chmod(name.c_str(), mode);
    files.push_back(name);
  }

  char* from;
  std::string path;
  std::vector<std::string> files;
};

// The sentence without its newline, which must be the only one.
std::string sentence(const CommandLine& line) {
  ck_assert_msg(line.text.find('\n') + 1 == line.text.size(), "not one line: %s", line.text.c_str());
  return line.text.substr(0, line.text.size() - 1);
}

struct FileRow {
  const char* what;
  std::string file;
  const char* wanted;  // after "c.toml"
};

const FileRow file_mistakes[] = {
    {"a string for a number", "\n[limits]\nline_bytes = \"big\"\n",
     ":3:14: limits.line_bytes: expected a whole number from 1024 to 1048576, found \"big\""},
    {"below the range", "limits.line_bytes = 1023",
     ":1:21: limits.line_bytes: expected a whole number from 1024 to 1048576, found 1023"},
    {"above the range", "limits.line_bytes = 1048577",
     ":1:21: limits.line_bytes: expected a whole number from 1024 to 1048576, found 1048577"},
    {"a negative number", "limits.chats_per_s = -1",
     ":1:22: limits.chats_per_s: expected a whole number from 0 to 1000000, found -1"},
    {"a fraction", "limits.chats_burst = 1.5",
     ":1:22: limits.chats_burst: expected a whole number from 0 to 1000000, found 1.5"},
    {"a truth value", "drain.timeout_ms = true",
     ":1:20: drain.timeout_ms: expected a whole number from 0 to 600000, found true"},
    {"a date", "drain.timeout_ms = 2026-01-02",
     ":1:20: drain.timeout_ms: expected a whole number from 0 to 600000, found 2026-01-02"},
    {"a link that no network keeps so steady", "mesh.hold_ms = 99",
     ":1:16: mesh.hold_ms: expected a whole number from 100 to 30000, found 99"},
    {"more in a mailbox than can be read", "mailbox.max = 100001",
     ":1:15: mailbox.max: expected a whole number from 0 to 100000, found 100001"},
    {"a mailbox that forgets at once", "mailbox.ttl_s = 0",
     ":1:17: mailbox.ttl_s: expected a whole number from 1 to 315360000, found 0"},
    {"no patience", "delivery.ack_timeout_ms = 0",
     ":1:27: delivery.ack_timeout_ms: expected a whole number from 100 to 3600000, found 0"},
    {"an array for a number", "sessions.queue_bytes = [1]",
     ":1:24: sessions.queue_bytes: expected a whole number from 4096 to 1073741824, found an array"},
    {"a table for a number", "[mesh.window_bytes]\n",
     ":1:1: mesh.window_bytes: expected a whole number from 65536 to 1073741824, found a table"},
    {"more sessions of a user than there can be", "sessions.per_user = 2",
     ":1:21: sessions.per_user: expected 1, found 2"},
    {"a number for a string", "node.name = 7", ":1:13: node.name: expected a string (NAME), found 7"},
    {"a name outside the rule", "node.name = \"n 1\"",
     ":1:13: node.name: expected 1 to 64 of A-Z a-z 0-9 . _ -, found \"n 1\""},
    {"a cluster outside the rule", "node.cluster = \"\"",
     ":1:16: node.cluster: expected 1 to 64 of A-Z a-z 0-9 . _ -, found \"\""},
    {"a port alone", "listen.client = \"9501\"",
     ":1:17: listen.client: expected HOST:PORT, for example 127.0.0.1:9601 or [::1]:9601, found \"9501\""},
    {"a port that is none", "listen.client = \"127.0.0.1:65536\"",
     ":1:17: listen.client: expected a port from 0 to 65535 after the last colon, found \"65536\""},
    {"an address that nobody can dial", "listen.peer_advertise = \"0.0.0.0:1\"",
     ":1:25: listen.peer_advertise: expected an address that other nodes can dial, found \"0.0.0.0:1\""},
    {"the same for IPv6", "listen.peer_advertise = \"[::]:1\"",
     ":1:25: listen.peer_advertise: expected an address that other nodes can dial, found \"[::]:1\""},
    {"a wildcard and nothing to advertise", "listen.peer = \"0.0.0.0:9601\"\nmesh.secret_file = \"secret\"",
     ":1:15: listen.peer: expected an address to advertise beside it (listen.peer_advertise or --peer-advertise), "
     "since "
     "no node can dial \"0.0.0.0:9601\""},
    {"off loopback without a secret", "listen.peer = \"10.0.0.1:9601\"",
     ":1:15: listen.peer: expected a secret file (mesh.secret_file or --secret-file) with \"10.0.0.1:9601\". Without "
     "one, peers listen on loopback only"},
    {"a URL of something else, whose password is not shown", "redis.url = \"http://:geheim@h\"",
     ":1:13: redis.url: expected none or a Redis URL, found \"http://***@h\": a Redis URL is written "
     "redis://[[USER]:PASSWORD@]HOST[:PORT][/DB]"},
    {"Sentinels that nobody calls anything", "redis.sentinels = [\"h:1\"]",
     ":1:19: redis.sentinels: expected redis.master beside it, what they call the Redis"},
    {"a master that nobody knows", "redis.master = \"m\"",
     ":1:16: redis.master: expected redis.sentinels beside it, who know it"},
    {"an empty list is none", "redis.master = \"m\"\nredis.sentinels = []",
     ":1:16: redis.master: expected redis.sentinels beside it, who know it"},
    {"a URL beside Sentinels", "[redis]\nurl = \"redis://h\"\nsentinels = [\"h:1\"]\nmaster = \"m\"",
     ":2:7: redis.url: expected none beside redis.sentinels, which say where Redis is"},
    {"a string for the Sentinels", "redis.sentinels = \"h:1\"",
     ":1:19: redis.sentinels: expected an array of strings (HOST:PORT), found \"h:1\""},
    {"a Sentinel without a port", "redis.sentinels = [\"h:1\", \"h\"]",
     ":1:27: redis.sentinels: expected HOST:PORT, for example 127.0.0.1:9601 or [::1]:9601, found \"h\""},
    {"a Sentinel at port 0", "redis.sentinels = [\"h:0\"]",
     ":1:20: redis.sentinels: expected HOST:PORT that this node can dial, found \"h:0\""},
    {"a Sentinel everywhere", "redis.sentinels = [\"[::]:1\"]",
     ":1:20: redis.sentinels: expected HOST:PORT that this node can dial, found \"[::]:1\""},
    {"too many Sentinels",
     "redis.sentinels = "
     "[\"a:1\",\"a:1\",\"a:1\",\"a:1\",\"a:1\",\"a:1\",\"a:1\",\"a:1\",\"a:1\",\"a:1\",\"a:1\",\"a:1\","
     "\"a:1\",\"a:1\",\"a:1\",\"a:1\",\"b:1\"]",
     ":1:116: redis.sentinels: expected at most 16 of them, found \"b:1\""},
    {"a master outside the rule", "redis.master = \"m m\"",
     ":1:16: redis.master: expected 1 to 64 of A-Z a-z 0-9 . _ -, found \"m m\""},
    {"a string for the peers", "mesh.peers = \"n1@h:1\"",
     ":1:14: mesh.peers: expected an array of strings (NAME@HOST:PORT,...), found \"n1@h:1\""},
    {"a number among the peers", "mesh.peers = [\"n1@h:1\",\n 2]",
     ":2:2: mesh.peers: expected a string (NAME@HOST:PORT,...), found 2"},
    {"a peer without a name", "mesh.peers = [\"n1@h:1\", \"h:2\"]",
     ":1:25: mesh.peers: expected NAME@HOST:PORT with a NAME of 1 to 64 of A-Z a-z 0-9 . _ -, found \"h:2\""},
    {"a peer without a port", "mesh.peers = [\"n1@h:0\"]",
     ":1:15: mesh.peers: expected a port from 1 to 65535, for nobody can be dialled at port 0, found \"n1@h:0\""},
    {"a peer everywhere", "mesh.peers = [\"n1@0.0.0.0:1\"]",
     ":1:15: mesh.peers: expected NAME@HOST:PORT that this node can dial, found \"n1@0.0.0.0:1\""},
    {"a peer twice", "mesh.peers = [\"n1@h:1\", \"n1@h:2\"]",
     ":1:25: mesh.peers: expected each NAME once, found \"n1@h:2\""},
    {"a secret that is not there", "mesh.secret_file = \"gone\"",
     ":1:20: mesh.secret_file: expected a readable file, found gone: No such file or directory"},
    {"an origin with a path", "http.origins = [\"https://a/\"]",
     ":1:17: http.origins: expected http:// or https:// and HOST or HOST:PORT, found \"https://a/\""},
    {"an origin of another kind", "http.origins = [\"ftp://a\"]",
     ":1:17: http.origins: expected http:// or https:// and HOST or HOST:PORT, found \"ftp://a\""},
    {"an origin of nobody", "http.origins = [\"http://\"]",
     ":1:17: http.origins: expected http:// or https:// and HOST or HOST:PORT, found \"http://\""},
    {"all origins", "http.origins = [\"*\"]",
     ":1:17: http.origins: expected http:// or https:// and HOST or HOST:PORT, found \"*\""},
    {"a secret without a name", "mesh.secret_file = \"\"",
     ":1:20: mesh.secret_file: expected the name of a file, found \"\""},
    {"a template without content", "sessions.text_template = \"{send} wrote\"",
     ":1:26: sessions.text_template: expected {content} in it, found \"{send} wrote\""},
    {"a template of two lines", "sessions.text_template = \"{content}\\n\"",
     ":1:26: sessions.text_template: expected one line, found \"{content}\\x0a\""},
    {"a template with a word unknown", "sessions.text_template = \"{content} {from}\"",
     ":1:26: sessions.text_template: expected no other words in braces than {send}, {recv} and {content}, found "
     "\"{from}\""},
    {"a level unknown", "log.level = \"warning\"",
     ":1:13: log.level: expected debug, info, warn or error, found \"warning\""},
    {"a format unknown", "log.format = \"xml\"", ":1:14: log.format: expected logfmt or json, found \"xml\""},
    {"a key with a slip", "[limits]\nline_byte = 4096",
     ":2:1: unknown key \"limits.line_byte\"; did you mean \"limits.line_bytes\"?"},
    {"a key in another's table", "[limits]\nqueue_bytes = 4096",
     ":2:1: unknown key \"limits.queue_bytes\"; did you mean \"sessions.queue_bytes\"?"},
    {"a key without a table", "line_bytes = 4096",
     ":1:1: unknown key \"line_bytes\"; did you mean \"limits.line_bytes\"?"},
    {"a key like no other", "[node]\ncolour = 1", ":2:1: unknown key \"node.colour\"; see crosstalkd.toml(5)"},
    {"a key of a key", "[node.name]\nfirst = 1", ":1:1: node.name: expected a string (NAME), found a table"},
    {"a table with a slip", "[limit]\nline_bytes = 4096", ":1:2: unknown table \"limit\"; did you mean \"limits\"?"},
    {"a table like no other", "[websocket]\n", ":1:2: unknown table \"websocket\"; see crosstalkd.toml(5)"},
    {"a value for a table", "node = \"n1\"", ":1:8: node: expected a table, found \"n1\""},
    {"tables for a table", "[[node]]\nname = \"n1\"", ":1:1: node: expected a table, found an array"},
    {"of two mistakes the first in the file", "[node]\nname = 1\n[listen]\nclient = 2",
     ":2:8: node.name: expected a string (NAME), found 1"},
    {"a queue too short for a line", "sessions.queue_bytes = 65536",
     ":1:24: sessions.queue_bytes: expected at least 131072, twice limits.line_bytes, found 65536"},
    {"a line too long for the queue", "limits.line_bytes = 1048576",
     ":1:21: limits.line_bytes: expected at most 524288, since sessions.queue_bytes is 1048576, found 1048576"},
    {"a window too short for a line", "mesh.window_bytes = 65536",
     ":1:21: mesh.window_bytes: expected at least 131072, twice limits.line_bytes, found 65536"},
    {"a total below one window", "mesh.window_total_bytes = 1000000",
     ":1:27: mesh.window_total_bytes: expected at least 67108864, mesh.window_bytes, found 1000000"},
    {"a window above the total", "mesh.window_bytes = 1073741824",
     ":1:21: mesh.window_bytes: expected at most 268435456, since mesh.window_total_bytes is 268435456, found "
     "1073741824"},
};

START_TEST(mistakes_in_a_file) {
  Scratch scratch;
  for (const FileRow& row : file_mistakes) {
    scratch.write("c.toml", row.file);
    const CommandLine line = run({"--config", "c.toml"});
    ck_assert_msg(line.action == Action::fail && line.exit_code == 2, "%s: taken", row.what);
    const std::string got = sentence(line);
    ck_assert_msg(got == "c.toml" + std::string(row.wanted), "%s: %s", row.what, got.c_str());
  }
}
END_TEST

// The words are toml++'s; file, line and column are ours.
START_TEST(mistakes_of_syntax) {
  const std::pair<const char*, const char*> rows[] = {
      {"[node\nname = 1", "c.toml:1:6: "},
      {"\n\nname = = 1", "c.toml:3:8: "},
      {"[node]\nname = \"a\"\nname = \"b\"", "c.toml:3:"},
      {"[node]\nname = 'a\xff'", "c.toml:2:"},
      {"node.name = \"a", "c.toml:1:"},
      {"[node]\nname = \"\\x\"", "c.toml:2:"},
  };
  Scratch scratch;
  for (const auto& [file, start] : rows) {
    scratch.write("c.toml", file);
    const CommandLine line = run({"--config", "c.toml"});
    ck_assert_int_eq(line.exit_code, 2);
    const std::string got = sentence(line);
    ck_assert_msg(got.starts_with(start), "wanted %s, got %s", start, got.c_str());
  }
}
END_TEST

struct FlagRow {
  const char* what;
  std::vector<std::string> flags;
  const char* wanted;
};

const FlagRow flag_mistakes[] = {
    {"a flag with a slip", {"--lisen", "a:1"}, "crosstalkd: unknown flag \"--lisen\"; did you mean \"--listen\"?"},
    {"a flag with a slip and a value",
     {"--lisen=a:1"},
     "crosstalkd: unknown flag \"--lisen\"; did you mean \"--listen\"?"},
    {"a flag like no other",
     {"--frobnicate", "a:1"},
     "crosstalkd: unknown flag \"--frobnicate\"; see crosstalkd --help"},
    {"another like no other", {"--hash-token"}, "crosstalkd: unknown flag \"--hash-token\"; see crosstalkd --help"},
    {"beside --help", {"--help", "--frob"}, "crosstalkd: unknown flag \"--frob\"; see crosstalkd --help"},
    {"beside --version", {"--frob", "--version"}, "crosstalkd: unknown flag \"--frob\"; see crosstalkd --help"},
    {"a short flag", {"-v"}, "crosstalkd: unknown flag \"-v\"; see crosstalkd --help"},
    {"a word", {"start"}, "crosstalkd: expected flags, found \"start\"; see crosstalkd --help"},
    {"no value", {"--listen"}, "crosstalkd: --listen: expected HOST:PORT, found nothing"},
    {"a value where none belongs",
     {"--check-config=yes", "--node", "n"},
     "crosstalkd: --check-config: expected no value, found \"yes\""},
    {"an empty value", {"--node", ""}, "crosstalkd: --node: expected 1 to 64 of A-Z a-z 0-9 . _ -, found \"\""},
    {"a file without a name", {"--config", ""}, "crosstalkd: --config: expected the name of a file, found \"\""},
    {"another", {"--ready-file="}, "crosstalkd: --ready-file: expected FILE, found nothing"},
    {"a name too long",
     {"--cluster", std::string(65, 'c')},
     "crosstalkd: --cluster: expected 1 to 64 of A-Z a-z 0-9 . _ -, found "
     "\"ccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc\""},
    {"an address",
     {"--listen", "a"},
     "crosstalkd: --listen: expected HOST:PORT, for example 127.0.0.1:9601 or [::1]:9601, found \"a\""},
    {"a wildcard and nothing to advertise",
     {"--peer-listen", "[::]:1", "--secret-file", "secret"},
     "crosstalkd: --peer-listen: expected an address to advertise beside it (listen.peer_advertise or "
     "--peer-advertise), since no node can dial \"[::]:1\""},
    {"off loopback without a secret",
     {"--peer-listen", "n1.example.net:1"},
     "crosstalkd: --peer-listen: expected a secret file (mesh.secret_file or --secret-file) with "
     "\"n1.example.net:1\". Without one, peers listen on loopback only"},
    {"an address that nobody can dial",
     {"--peer-advertise", "0.0.0.0:0"},
     "crosstalkd: --peer-advertise: expected an address that other nodes can dial, found \"0.0.0.0:0\""},
    {"Redis, whose password is not shown",
     {"--redis", "redes://:geheim@h"},
     "crosstalkd: --redis: expected none or a Redis URL, found \"redes://***@h\": a Redis URL is written "
     "redis://[[USER]:PASSWORD@]HOST[:PORT][/DB]"},
    {"Redis, whose password is not shown without a scheme either",
     {"--redis", "me:geh@im@h"},
     "crosstalkd: --redis: expected none or a Redis URL, found \"***@h\": a Redis URL is written "
     "redis://[[USER]:PASSWORD@]HOST[:PORT][/DB]"},
    {"Redis without a password is shown",
     {"--redis", "http://h"},
     "crosstalkd: --redis: expected none or a Redis URL, found \"http://h\": a Redis URL is written "
     "redis://[[USER]:PASSWORD@]HOST[:PORT][/DB]"},
    {"the second peer",
     {"--peers", "n1@h:1,n2"},
     "crosstalkd: --peers: expected NAME@HOST:PORT with a NAME of 1 to 64 of A-Z a-z 0-9 . _ -, found \"n2\""},
    {"a peer twice", {"--peers", "n1@h:1,n1@h:2"}, "crosstalkd: --peers: expected each NAME once, found \"n1@h:2\""},
    {"a level",
     {"--log-level", "loud"},
     "crosstalkd: --log-level: expected debug, info, warn or error, found \"loud\""},
    {"no such file",
     {"--config", "gone.toml"},
     "crosstalkd: --config: expected a readable file, found gone.toml: No such file or directory"},
    {"a directory", {"--config", "."}, "crosstalkd: --config: expected a readable file, found .: Is a directory"},
    {"a newline in a value stays on the line",
     {"--node", "a\nb"},
     "crosstalkd: --node: expected 1 to 64 of A-Z a-z 0-9 . _ -, found \"a\\x0ab\""},
};

START_TEST(mistakes_in_flags) {
  Scratch scratch;
  for (const FlagRow& row : flag_mistakes) {
    const CommandLine line = run(row.flags);
    ck_assert_msg(line.action == Action::fail && line.exit_code == 2, "%s: taken", row.what);
    const std::string got = sentence(line);
    ck_assert_msg(got == row.wanted, "%s: %s", row.what, got.c_str());
  }
}
END_TEST

struct SecretRow {
  const char* what;
  std::string text;
  mode_t mode;
  const char* wanted;  // nullptr: it is taken
};

const SecretRow secrets[] = {
    {"16 bytes", "0123456789abcdef", 0600, nullptr},
    {"a newline does not count", "0123456789abcdef\n", 0400, nullptr},
    {"nor does CR LF", "0123456789abcdef\r\n", 0600, nullptr},
    {"too short but for the newline", "0123456789abcde\n", 0600, "expected 16 to 4096 bytes, found 15 in s"},
    {"empty", "", 0600, "expected 16 to 4096 bytes, found 0 in s"},
    {"the longest", std::string(4096, 's') + "\r\n", 0600, nullptr},
    {"too long", std::string(4097, 's'), 0600, "expected 16 to 4096 bytes, found more in s"},
    {"much too long", std::string(100'000, 's'), 0600, "expected 16 to 4096 bytes, found more in s"},
    {"readable by its group", "0123456789abcdef", 0640,
     "expected a file that its owner alone may read (chmod 600), found mode 0640 at s"},
    {"readable by others", "0123456789abcdef", 0604,
     "expected a file that its owner alone may read (chmod 600), found mode 0604 at s"},
    {"writable by others", "0123456789abcdef", 0602,
     "expected a file that its owner alone may read (chmod 600), found mode 0602 at s"},
};

START_TEST(secret_files) {
  Scratch scratch;
  for (const SecretRow& row : secrets) {
    scratch.write("s", row.text, row.mode);
    const CommandLine line = run({"--secret-file", "s"});
    const std::string wanted =
        row.wanted == nullptr ? "" : std::string("crosstalkd: --secret-file: ") + row.wanted + "\n";
    ck_assert_msg(line.text == wanted, "%s: %s", row.what, line.text.c_str());
    if (row.wanted == nullptr)
      ck_assert_msg(line.config.secret == row.text.substr(0, row.text.find_last_not_of("\r\n") + 1), "%s", row.what);
  }
}
END_TEST

const SecretRow tokens[] = {
    {"one", "t", 0600, nullptr},
    {"several, and empty lines", "\na~!\r\n\nb\n", 0400, nullptr},
    {"the longest", std::string(256, 't') + "\n", 0600, nullptr},
    {"none", "\n\n", 0600, "expected a token a line, found none in s"},
    {"one too long", "a\n" + std::string(257, 't'), 0600,
     "expected a token of 1 to 256 visible ASCII characters, found another line at s:2"},
    {"two words", "a b\n", 0600, "expected a token of 1 to 256 visible ASCII characters, found another line at s:1"},
    {"not ASCII", "\n\xc3\xa9\n", 0600,
     "expected a token of 1 to 256 visible ASCII characters, found another line at s:2"},
    {"readable by its group", "t", 0640,
     "expected a file that its owner alone may read (chmod 600), found mode 0640 at s"},
    {"a large file", std::string(65537, '\n'), 0600, "expected at most 64 KiB, found more in s"},
};

START_TEST(token_files) {
  Scratch scratch;
  scratch.write("c.toml", "http.token_file = \"s\"");
  for (const SecretRow& row : tokens) {
    scratch.write("s", row.text, row.mode);
    const CommandLine line = run({"--config", "c.toml"});
    const std::string wanted =
        row.wanted == nullptr ? "" : std::string("c.toml:1:19: http.token_file: ") + row.wanted + "\n";
    ck_assert_msg(line.text == wanted, "%s: %s", row.what, line.text.c_str());
    if (row.wanted == nullptr) ck_assert_msg(!line.config.http_tokens.empty(), "%s", row.what);
  }
  std::string many;
  for (int i = 0; i < 65; ++i) many += "t\n";
  scratch.write("s", many, 0600);
  ck_assert(run({"--config", "c.toml"}).text ==
            "c.toml:1:19: http.token_file: expected at most 64 tokens, found more in s\n");
}
END_TEST

START_TEST(a_secret_is_a_regular_file_of_ours) {
  Scratch scratch;
  mkfifo("f", 0600);
  scratch.files.push_back("f");
  const std::string fifo = sentence(run({"--secret-file", "f"}));
  ck_assert_msg(fifo == "crosstalkd: --secret-file: expected a regular file at f", "%s", fifo.c_str());
  if (geteuid() == 0) {  // only root can give a file away
    scratch.write("s", "0123456789abcdef", 0600);
    ck_assert_int_eq(chown("s", 12345, 12345), 0);
    const std::string got = sentence(run({"--secret-file", "s"}));
    ck_assert_msg(got ==
                      "crosstalkd: --secret-file: expected a file of this process's user (0) or of root, found one of "
                      "user 12345 at s",
                  "%s", got.c_str());
  }
}
END_TEST

START_TEST(without_file_or_flags) {
  const CommandLine line = run({});
  ck_assert_msg(line.action == Action::serve, "%s", line.text.c_str());
  Config wanted;
  wanted.name = line.config.name;
  ck_assert(peer::valid_node_name(line.config.name));
  ck_assert(line.config == wanted);
}
END_TEST

START_TEST(every_key_is_taken) {
  Scratch scratch;
  scratch.write("c.toml",
                "[node]\nname = \"n7\"\ncluster = \"c\"\n"
                "[listen]\nclient = \"[::1]:0\"\npeer = \"0.0.0.0:2\"\npeer_advertise = \"n7.example.net:0\"\n"
                "http = \"0.0.0.0:3\"\n"
                "[redis]\nurl = \"redis://h:1/2\"\n"
                "[mesh]\nsecret_file = \"secret\"\npeers = [\"n1@h:1\", \"n2@[::1]:2\"]\nwindow_bytes = 200000\n"
                "hold_ms = 100\n"
                "window_total_bytes = 300000\n"
                "[limits]\nline_bytes = 2048\nsessions = 500\nsessions_per_ip = 50\nchats_per_s = 5\nchats_burst = 6\n"
                "[sessions]\nper_user = 1\nqueue_bytes = 5000\ntext_template = \"{send}: {content} {} {A} {\"\n"
                "[delivery]\nack_timeout_ms = 100\n[mailbox]\nmax = 0\nttl_s = 1\n"
                "[http]\ntoken_file = \"secret\"\norigins = [\"https://A.example:1\", \"http://[::1]\"]\n"
                "[drain]\ntimeout_ms = 0\n"
                "[log]\nlevel = \"warn\"\nformat = \"json\"\n");
  const CommandLine line = run({"--config", "c.toml", "--ready-file", "r"});
  ck_assert_msg(line.action == Action::serve, "%s", line.text.c_str());
  Config wanted;
  wanted.name = "n7";
  wanted.cluster = "c";
  wanted.listen_client = {"::1", 0};
  wanted.listen_peer = {"0.0.0.0", 2};
  wanted.peer_advertise = {"n7.example.net", 0};
  wanted.listen_http = {"0.0.0.0", 3};
  wanted.redis_url = "redis://h:1/2";
  wanted.secret_file = "secret";
  wanted.secret = "0123456789abcdef";
  wanted.peers = {{"n1", {"h", 1}}, {"n2", {"::1", 2}}};
  wanted.hold = peer::Millis(100);
  wanted.window_bytes = 200'000;
  wanted.window_total_bytes = 300'000;
  wanted.line_bytes = 2048;
  wanted.sessions = 500;
  wanted.sessions_per_ip = 50;
  wanted.chats_per_s = 5;
  wanted.chats_burst = 6;
  wanted.queue_bytes = 5000;
  wanted.text_template = "{send}: {content} {} {A} {";
  wanted.ack_timeout = peer::Millis(100);
  wanted.mailbox_max = 0;
  wanted.mailbox_ttl = peer::Millis(1000);
  wanted.http_token_file = "secret";
  wanted.http_tokens = {"0123456789abcdef"};
  wanted.http_origins = {"https://a.example:1", "http://[::1]"};
  wanted.drain_timeout = peer::Millis(0);
  wanted.log_level = node::LogLevel::warn;
  wanted.log_format = node::LogFormat::json;
  wanted.ready_file = "r";
  ck_assert(line.config == wanted);
}
END_TEST

START_TEST(flags_win_over_the_file) {
  Scratch scratch;
  // What a flag replaces need not hold as a whole: this secret is not there.
  scratch.write(
      "c.toml",
      "node.name = \"a\"\nnode.cluster = \"a\"\nlisten.client = \"a:1\"\nlisten.peer = \"127.0.0.1:1\"\n"
      "listen.http = \"a:3\"\nlisten.peer_advertise = \"a:1\"\nredis.url = \"redis://a\"\nmesh.secret_file = \"gone\"\n"
      "mesh.peers = [\"a@a:1\"]\nlog.level = \"error\"\nlimits.line_bytes = 1024\n");
  const CommandLine line = run(
      {"--http-listen", "b:4",         "--log-level=debug", "--node=b", "--cluster", "b",    "--listen",      "b:2",
       "--peer-listen", "10.0.0.1:2",  "--peer-advertise",  "b:2",      "--redis",   "none", "--secret-file", "secret",
       "--peers",       "b@b:2,c@c:3", "--config",          "c.toml",   "--node",    "c"});
  ck_assert_msg(line.action == Action::serve, "%s", line.text.c_str());
  Config wanted;
  wanted.name = "c";  // of one flag given twice the last counts
  wanted.cluster = "b";
  wanted.listen_client = {"b", 2};
  wanted.listen_peer = {"10.0.0.1", 2};
  wanted.listen_http = {"b", 4};
  wanted.peer_advertise = {"b", 2};
  wanted.secret_file = "secret";
  wanted.secret = "0123456789abcdef";
  wanted.peers = {{"b", {"b", 2}}, {"c", {"c", 3}}};
  wanted.log_level = node::LogLevel::debug;
  wanted.line_bytes = 1024;
  ck_assert(line.config == wanted);
}
END_TEST

START_TEST(redis_is_in_one_place) {
  Scratch scratch;
  const std::string sentinels = "redis.sentinels = [\"a:1\", \"[::1]:2\"]\nredis.master = \"m\"\n";
  const struct {
    const char* what;
    std::string file;
    std::vector<std::string> flags;
    const char* place;  // or the sentence why not
  } rows[] = {
      {"nothing is said", "", {}, "none"},
      {"none is said", "redis.url = \"none\"", {}, "none"},
      {"an address", "redis.url = \"redis://h:1\"", {}, "h:1"},
      {"another by flag", "redis.url = \"redis://h:1\"", {"--redis", "redis://h:2"}, "h:2"},
      {"Sentinels", sentinels, {}, "a:1 [::1]:2 m"},
      {"Sentinels, and no address", sentinels + "redis.url = \"none\"", {}, "a:1 [::1]:2 m"},
      {"all taken back by flag", sentinels, {"--redis", "none"}, "none"},
      {"half of it taken back by flag", "redis.master = \"m\"", {"--redis", "none"}, "none"},
      {"two taken back by flag", sentinels + "redis.url = \"redis://h\"", {"--redis", "none"}, "none"},
      {"a URL by flag",
       sentinels,
       {"--redis", "redis://h"},
       "crosstalkd: --redis: expected none beside redis.sentinels, which say where Redis is\n"},
  };
  for (const auto& row : rows) {
    scratch.write("c.toml", row.file);
    std::vector<std::string> flags{"--config", "c.toml"};
    flags.insert(flags.end(), row.flags.begin(), row.flags.end());
    const CommandLine line = run(flags);
    const auto place = redis_place(line.config);
    std::string got = line.text.empty() ? "none" : line.text;
    if (place && line.text.empty()) {
      if (const auto* url = std::get_if<io::RedisUrl>(&*place)) got = to_string(url->address);
      if (const auto* those = std::get_if<io::RedisSentinels>(&*place)) {
        got.clear();
        for (const peer::Address& one : those->addresses) got += to_string(one) + " ";
        got += those->master;
      }
    }
    ck_assert_msg(got == row.place, "%s: %s", row.what, got.c_str());
  }
}
END_TEST

START_TEST(check_config_says_ok) {
  Scratch scratch;
  scratch.write("c.toml", "node.name = \"a\"\n");
  const CommandLine file = run({"--check-config", "--config", "c.toml"});
  ck_assert(file.action == Action::check_config && file.exit_code == 0);
  ck_assert_str_eq(file.text.c_str(), "c.toml: ok\n");
  const CommandLine flags = run({"--check-config"});
  ck_assert(flags.action == Action::check_config && flags.exit_code == 0);
  ck_assert_str_eq(flags.text.c_str(), "flags: ok\n");
}
END_TEST

START_TEST(version_and_help) {
  const CommandLine version = run({"--version"});
  ck_assert(version.action == Action::print && version.exit_code == 0);
  ck_assert_str_eq(version.text.c_str(), "crosstalkd " CROSSTALK_VERSION "\n");
  const CommandLine help = run({"--help"});
  ck_assert(help.action == Action::print && help.exit_code == 0);
  for (const node::Setting& setting : node::settings())
    if (setting.flag != nullptr)
      ck_assert_msg(help.text.find(std::string("\n  ") + setting.flag + " " + setting.value) != std::string::npos,
                    "no %s", setting.flag);
  std::istringstream lines(help.text);
  for (std::string line; std::getline(lines, line);) ck_assert_msg(line.size() <= 80, "too wide: %s", line.c_str());
}
END_TEST

// The file as shipped says what holds without it.
START_TEST(shipped_file_is_the_defaults) {
  const CommandLine line = run({"--config", "conf/crosstalkd.toml"});
  ck_assert_msg(line.action == Action::serve, "%s", line.text.c_str());
  ck_assert(line.config == run({}).config);
}
END_TEST

START_TEST(names_from_hosts) {
  const std::pair<std::string, std::string> rows[] = {
      {"n1", "n1"},         {"n1.example.net", "n1"},
      {"web 1", "web-1"},   {"h\xc3\xa9", "h--"},
      {"a_b-C9", "a_b-C9"}, {"", "node"},
      {".net", "node"},     {std::string(70, 'x'), std::string(64, 'x')},
  };
  for (const auto& [host, wanted] : rows) {
    const std::string got = node::node_name_of_host(host);
    ck_assert_msg(got == wanted, "%s: %s", host.c_str(), got.c_str());
  }
}
END_TEST

}  // namespace

SUITE(mistakes_in_a_file, mistakes_of_syntax, mistakes_in_flags, secret_files, token_files,
      a_secret_is_a_regular_file_of_ours, without_file_or_flags, every_key_is_taken, flags_win_over_the_file,
      redis_is_in_one_place, check_config_says_ok, version_and_help, shipped_file_is_the_defaults, names_from_hosts)
