// What the tools share: addresses, tokens, text made fit for a terminal, and
// questions over HTTP, asked of a scripted server.
#include "tools/common/http.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <clocale>
#include <cstdlib>
#include <string>
#include <thread>

#include "tests/unit/suite.h"
#include "tools/common/printable.h"
#include "tools/common/token.h"

namespace {

using namespace std::chrono_literals;
using suite::same;
using tool::Answer;
using tool::AskFailure;
using tool::Result;
using tool::Trouble;

// Takes one connection, reads to the end of the head, says its piece, and hangs
// up: at once, or when the other side has.
class Scripted {
 public:
  explicit Scripted(std::string says, bool hangs_up = true) : says_(std::move(says)), hangs_up_(hangs_up) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    ck_assert_int_eq(bind(listener_, reinterpret_cast<sockaddr*>(&at), size), 0);
    ck_assert_int_eq(listen(listener_, 1), 0);
    getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &size);
    port_ = ntohs(at.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~Scripted() {
    if (thread_.joinable()) thread_.join();
    close(listener_);
  }
  Scripted(const Scripted&) = delete;
  Scripted& operator=(const Scripted&) = delete;

  std::uint16_t port() const { return port_; }
  std::string heard() {
    thread_.join();
    return heard_;
  }

 private:
  void serve() {
    const int client = accept(listener_, nullptr, nullptr);
    char piece[4096];
    while (heard_.find("\r\n\r\n") == std::string::npos) {
      const ssize_t size = recv(client, piece, sizeof piece, 0);
      if (size <= 0) break;
      heard_.append(piece, static_cast<std::size_t>(size));
    }
    for (std::size_t at = 0; at < says_.size();) {
      const ssize_t size = send(client, says_.data() + at, says_.size() - at, MSG_NOSIGNAL);
      if (size <= 0) break;
      at += static_cast<std::size_t>(size);
    }
    while (!hangs_up_ && recv(client, piece, sizeof piece, 0) > 0) {
    }
    close(client);
  }

  std::string says_;
  bool hangs_up_;
  std::string heard_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

Result<Answer, AskFailure> ask(std::uint16_t port, std::chrono::milliseconds timeout = 10s) {
  return tool::ask({{"127.0.0.1", port}}, "GET", "/v1/cluster", "", timeout);
}

void fails(const char* sentence, const std::string& says, Trouble trouble, const std::string& why) {
  Scripted server(says);
  const auto answer = ask(server.port());
  ck_assert_msg(!answer, "%s: it is an answer", sentence);
  ck_assert_msg(answer.failure().trouble == trouble, "%s: another trouble, %s", sentence, answer.why().c_str());
  ck_assert_msg(answer.why() == why, "%s: \"%s\"", sentence, answer.why().c_str());
}

}  // namespace

START_TEST(an_answer_is_read_however_it_is_framed) {
  static const char* const frames[] = {
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
      "HTTP/1.1 200 OK\r\n\r\nhello",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 5\r\n\r\nhello and more",
  };
  for (const char* frame : frames) {
    Scripted server(frame);
    const auto answer = ask(server.port());
    ck_assert_msg(answer && answer->body == "hello", "%s", frame);
  }
}
END_TEST

START_TEST(what_is_asked) {
  Scripted server("HTTP/1.1 204 No Content\r\n\r\n", false);
  const auto answer = tool::ask({{"127.0.0.1", server.port()}, "secret"}, "POST", "/v1/drain", "{}", 10s);
  ck_assert(answer && answer->status == 204 && answer->body.empty());
  const std::string port = std::to_string(server.port());
  same(server.heard(), ("POST /v1/drain HTTP/1.1\r\nHost: 127.0.0.1:" + port +
                        "\r\nConnection: close\r\nAuthorization: Bearer secret\r\n"
                        "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"));
}
END_TEST

START_TEST(failures_are_told_apart) {
  fails("a refusal", "HTTP/1.1 503 No\r\n\r\n{\"error\":{\"code\":\"busy\",\"message\":\"try \\u001b[1mlater\"}}",
        Trouble::refused, "busy: try \\x1b[1mlater");
  fails("not allowed", "HTTP/1.1 401 No\r\n\r\n{\"error\":{\"code\":\"auth_failed\"}}", Trouble::unauthorised,
        "auth_failed");
  fails("not allowed from here", "HTTP/1.1 403 No\r\n\r\n", Trouble::unauthorised, "HTTP status 403");
  fails("another body", "HTTP/1.1 404 No\r\n\r\n{\"error\":7}", Trouble::refused, "HTTP status 404");
  fails("nothing", "", Trouble::unreachable, "it hung up before its answer was whole");
  fails("half of it", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", Trouble::unreachable,
        "it hung up before its answer was whole");
  fails("no HTTP", "SSH-2.0-OpenSSH\r\n", Trouble::nonsense, "that is no answer in HTTP");
  fails("too much", "HTTP/1.1 200 OK\r\n\r\n" + std::string(tool::answer_bytes_max + 1, ' '), Trouble::nonsense,
        "the answer is larger than 32 MiB");
}
END_TEST

START_TEST(nobody_there_and_nobody_who_speaks) {
  std::uint16_t port = 0;
  {
    Scripted server("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhel", false);
    port = server.port();
    const auto answer = ask(port, 50ms);
    ck_assert(!answer && answer.failure().trouble == Trouble::timeout);
  }
  const auto answer = ask(port);
  ck_assert(!answer && answer.failure().trouble == Trouble::unreachable);
  same(answer.why(), "Connection refused");
}
END_TEST

START_TEST(addresses) {
  static const struct {
    const char* text;
    const char* same;  // null: it is none
  } rows[] = {{"127.0.0.1:9701", "127.0.0.1:9701"},
              {"host.example:1", "host.example:1"},
              {"[::1]:9701", "[::1]:9701"},
              {"::1:9701", nullptr},
              {"host", nullptr},
              {":9701", nullptr},
              {"host:0", nullptr},
              {"host:65536", nullptr},
              {"host:+1", nullptr},
              {"a b:1", nullptr},
              {"http://host:1", nullptr},
              {"", nullptr}};
  for (const auto& row : rows) {
    const auto address = tool::parse_address(row.text);
    ck_assert_msg(static_cast<bool>(address) == (row.same != nullptr), "%s", row.text);
    if (address) same(to_string(*address), row.same);
  }
}
END_TEST

START_TEST(what_others_wrote_moves_no_cursor) {
  ck_assert_ptr_nonnull(setlocale(LC_CTYPE, "C.UTF-8"));
  static const struct {
    const char* text;
    const char* ascii;
    const char* utf8;
  } rows[] = {
      {"plain", "plain", "plain"},
      {"a\x1b[31m\n\x7f", "a\\x1b[31m\\x0a\\x7f", "a\\x1b[31m\\x0a\\x7f"},
      {"\xc3\xb6", "\\xc3\\xb6", "\xc3\xb6"},
      {"\xc2\x9b", "\\xc2\\x9b", "\\u{9b}"},
      {"\xe2\x80\xae", "\\xe2\\x80\\xae", "\\u{202e}"},
      {"\xe4\xbd\xa0", "\\xe4\\xbd\\xa0", "\\u{4f60}"},
      {"\xc0\xaf\xff", "\\xc0\\xaf\\xff", "\\xc0\\xaf\\xff"},
      {"\xed\xa0\x80", "\\xed\\xa0\\x80", "\\xed\\xa0\\x80"},
      {"\xe2\x82", "\\xe2\\x82", "\\xe2\\x82"},
  };
  for (const auto& row : rows) {
    same(tool::printable(row.text), row.ascii);
    same(tool::printable(row.text, tool::Charset::utf8), row.utf8);
  }
  same(tool::ascii_json("\"\xc3\xb6 \xf0\x9f\x98\x80 \xff \x7f\""), "\"\\u00f6 \\ud83d\\ude00 \\ufffd \\u007f\"");
  same(tool::escape_path("b\xc3\xb6 b/1"), "b%C3%B6%20b%2F1");
}
END_TEST

START_TEST(tokens) {
  unsetenv("CROSSTALK_TOKEN");
  same(*tool::find_token(""), "");
  setenv("CROSSTALK_TOKEN", "from-the-environment", 1);
  same(*tool::find_token(""), "from-the-environment");
  setenv("CROSSTALK_TOKEN", "two\r\nlines", 1);
  ck_assert(!tool::find_token(""));
  char file[] = "/tmp/crosstalk-token-XXXXXX";
  const int fd = mkstemp(file);
  ck_assert_int_eq(write(fd, "\nfirst\r\nsecond\n", 15), 15);
  same(*tool::find_token(file), "first");
  ck_assert_int_eq(ftruncate(fd, 0), 0);
  same(tool::find_token(file).why(), ("expected a token in " + std::string(file) + ", found none"));
  close(fd);
  unlink(file);
  ck_assert(!tool::find_token(file));
}
END_TEST

SUITE(an_answer_is_read_however_it_is_framed, what_is_asked, failures_are_told_apart,
      nobody_there_and_nobody_who_speaks, addresses, what_others_wrote_moves_no_cursor, tokens)
