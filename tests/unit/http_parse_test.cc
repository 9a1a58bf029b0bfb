// Requests out of bytes, however they are cut; and what is no request.
#include "src/http/parse.h"

#include <string>

#include "tests/unit/suite.h"

namespace {

using http::Parser;
using Step = Parser::Step;

// All that the parser makes of it, as one line.
std::string told(const http::Request& request) {
  std::string all = request.method + " " + request.path;
  if (!request.query.empty()) all += "?" + request.query;
  for (const http::Header& header : request.headers) all += " " + header.name + "=" + header.value;
  if (!request.body.empty()) all += " [" + request.body + "]";
  return all + (request.keep_alive ? "" : " closes");
}

// Every message in `bytes`, given in pieces that end at `cut` and at each `step` after it.
std::string read_all(const std::string& bytes, std::size_t cut, std::size_t step) {
  Parser parser({});
  std::string all;
  std::size_t from = 0;
  std::size_t to = cut;
  bool head = false;
  for (; from < bytes.size(); from = to, to = std::min(to + step, bytes.size())) {
    std::string_view piece = std::string_view(bytes).substr(from, to - from);
    for (bool more = true; more;) {
      switch (parser.read(piece)) {
        case Step::more:
          ck_assert(piece.empty());
          more = false;
          break;
        case Step::head:
          ck_assert(!head);
          head = true;
          break;
        case Step::message:
          ck_assert(head);
          head = false;
          all += told(parser.request()) + "\n";
          parser.next();
          break;
        case Step::wrong: return all + std::to_string(parser.why().status) + " " + parser.why().body;
      }
    }
  }
  return all + (head ? "(a head)" : "");
}

struct Row {
  const char* sentence;
  std::string bytes;
  std::string wanted;
};

std::string wrong(int status, const std::string& code, const std::string& why) {
  return std::to_string(status) + R"( {"error":{"code":")" + code + R"(","message":")" + why + "\"}}\n";
}
std::string bad(const std::string& why) { return wrong(400, "bad_request", why); }

const std::string get = "GET /a HTTP/1.1\r\nHost: h\r\n";
const std::string post = "POST /a HTTP/1.1\r\nHost: h\r\n";
const std::string got = "GET /a Host=h";

const Row rows[] = {
    {"the least", get + "\r\n", got + "\n"},
    {"two in a row", get + "\r\n" + get + "\r\n", got + "\n" + got + "\n"},
    {"a query", "GET /a?b=c&d HTTP/1.1\r\nHost: h\r\n\r\n", "GET /a?b=c&d Host=h\n"},
    {"what is encoded stays so", "GET /a%20b/%2F HTTP/1.1\r\nHost: h\r\n\r\n", "GET /a%20b/%2F Host=h\n"},
    {"spaces around a value", get + "A:  b c \t\r\n\r\n", got + " A=b c\n"},
    {"an empty value", get + "A:\r\nB: \r\n\r\n", got + " A= B=\n"},
    {"empty lines before it", "\r\n\r\n" + get + "\r\n", got + "\n"},
    {"HTTP/1.0", "GET /a HTTP/1.0\r\n\r\n", "GET /a closes\n"},
    {"HTTP/1.0 that goes on", "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "GET /a Connection=keep-alive\n"},
    {"the last one", get + "Connection: close\r\n\r\n", got + " Connection=close closes\n"},
    {"a wish for another protocol is passed over", get + "Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n" + get + "\r\n",
     got + " Connection=Upgrade Upgrade=h2c\n" + got + "\n"},
    {"a URL, and its authority wins", "GET http://other:1/a?b HTTP/1.1\r\nHost: h\r\n\r\n", "GET /a?b Host=other:1\n"},
    {"a URL without a path", "GET http://h HTTP/1.1\r\nHost: h\r\n\r\n", "GET / Host=h\n"},
    {"all of it", "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", "OPTIONS * Host=h\n"},

    {"a body with its length", post + "Content-Length: 3\r\n\r\nabc" + get + "\r\n",
     "POST /a Host=h Content-Length=3 [abc]\n" + got + "\n"},
    {"a body of nothing", post + "Content-Length: 0\r\n\r\n" + get + "\r\n",
     "POST /a Host=h Content-Length=0\n" + got + "\n"},
    {"no word of a body", post + "\r\n" + get + "\r\n", "POST /a Host=h\n" + got + "\n"},
    {"a body in chunks, with an extension and a trailer",
     post + "Transfer-Encoding: Chunked\r\n\r\n2;x=y\r\nab\r\n1\r\nc\r\n0\r\nTrailer: t\r\n\r\n" + get + "\r\n",
     "POST /a Host=h Transfer-Encoding=Chunked [abc]\n" + got + "\n"},
    {"half a body", post + "Content-Length: 3\r\n\r\nab", "(a head)"},
    {"the largest body", post + "Content-Length: 65536\r\n\r\n" + std::string(65536, 'x'),
     "POST /a Host=h Content-Length=65536 [" + std::string(65536, 'x') + "]\n"},

    // Two readers must not disagree on where a message ends.
    {"a length and chunks", post + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     bad("that is no HTTP request: unexpected content-length header")},
    {"chunks and a length", post + "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
     bad("that is no HTTP request: unexpected content-length header")},
    {"two lengths", post + "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
     bad("that is no HTTP request: unexpected content-length header")},
    {"a list of lengths", post + "Content-Length: 3, 3\r\n\r\nabc",
     bad("that is no HTTP request: invalid character in content-length header")},
    {"a length with a sign", post + "Content-Length: +3\r\n\r\nabc",
     bad("that is no HTTP request: invalid character in content-length header")},
    {"a length below nothing", post + "Content-Length: -3\r\n\r\nabc",
     bad("that is no HTTP request: invalid character in content-length header")},
    {"a length over all numbers", post + "Content-Length: 99999999999999999999\r\n\r\n",
     bad("that is no HTTP request: invalid character in content-length header")},
    {"another coding", post + "Transfer-Encoding: gzip\r\n\r\n",
     bad("that is no HTTP request: request has invalid transfer-encoding")},
    {"a coding besides", post + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
     bad("a body comes chunked or with a Content-Length")},
    {"chunks twice", post + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     bad("a body comes chunked or with a Content-Length")},
    {"chunks where there were none yet", "POST /a HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     bad("a body comes chunked or with a Content-Length")},
    {"a space before the colon", post + "Content-Length : 3\r\n\r\nabc", bad("a header's name has no spaces")},
    {"a folded header", get + "A: b\r\n c\r\n\r\n", bad("a header may not go on in the next line")},
    {"a folded empty header", get + "A:\r\n\tc\r\n\r\n", bad("a header may not go on in the next line")},
    {"a line that ends with LF", "GET /a HTTP/1.1\nHost: h\n\n", bad("lines end with CR LF")},
    {"a CR in a header", get + "A: b\rc\r\n\r\n", bad("that is no HTTP request: LF character expected")},
    {"a NUL in a header", get + "A: b" + std::string(1, '\0') + "\r\n\r\n",
     bad("that is no HTTP request: invalid character in header")},
    {"a chunk of no size", post + "Transfer-Encoding: chunked\r\n\r\nx\r\n",
     bad("the body is none: invalid character in chunk size header")},
    {"a chunk longer than it says", post + "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
     bad("the lines between chunks end with CR LF")},
    {"a chunk whose end is something else", post + "Transfer-Encoding: chunked\r\n\r\n1\r\naXX0\r\n\r\n",
     bad("the lines between chunks end with CR LF")},
    {"a chunk's size that ends with LF", post + "Transfer-Encoding: chunked\r\n\r\n1\na\r\n0\r\n\r\n",
     bad("the lines between chunks end with CR LF")},
    {"a chunk's size that ends with CR", post + "Transfer-Encoding: chunked\r\n\r\n1\rXa\r\n0\r\n\r\n",
     bad("the lines between chunks end with CR LF")},
    {"an end that is none", post + "Transfer-Encoding: chunked\r\n\r\n0\r\n\rX",
     bad("the lines between chunks end with CR LF")},
    {"a chunk over all numbers", post + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
     bad("the body is none: invalid character in content-length header")},
    {"a CR for the end of the headers", get + "\rX\r\n\r\n", bad("that is no HTTP request")},

    {"no host", "GET /a HTTP/1.1\r\n\r\n", bad("a request has one Host")},
    {"two hosts", get + "Host: i\r\n\r\n", bad("a request has one Host")},
    {"a user in the URL", "GET http://u@h/a HTTP/1.1\r\nHost: h\r\n\r\n", bad("the target is no path")},
    {"a fragment", "GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n", bad("the target is no path")},
    {"a tunnel", "CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n", bad("the target is no path")},
    {"a method that is none", "BREW /a HTTP/1.1\r\nHost: h\r\n\r\n",
     wrong(501, "bad_method", "that is no method of HTTP")},
    {"a chat client", "{\"cmd\":\"login\"}\r\n\r\n", wrong(501, "bad_method", "that is no method of HTTP")},
    {"a version to come", "GET /a HTTP/2.0\r\nHost: h\r\n\r\n",
     wrong(505, "bad_version", "this is a server of HTTP/1.1")},
    {"a body too large", post + "Content-Length: 65537\r\n\r\n",
     wrong(413, "too_large", "a body may have 64 KiB at most")},
};

}  // namespace

START_TEST(under_every_split) {
  for (const Row& row : rows) {
    const std::size_t every = row.bytes.size() > 1000 ? 997 : 1;
    for (std::size_t cut = 0; cut <= row.bytes.size(); cut += every) {
      const std::string all = read_all(row.bytes, cut, row.bytes.size());
      ck_assert_msg(all == row.wanted, "%s, cut at %zu: %s", row.sentence, cut, all.c_str());
    }
    const std::string all = read_all(row.bytes, 0, every);
    ck_assert_msg(all == row.wanted, "%s, byte by byte: %s", row.sentence, all.c_str());
  }
}
END_TEST

START_TEST(bounds) {
  const std::string head_full = wrong(431, "too_large", "request line and headers may have 8 KiB at most");
  const std::string body_full = wrong(413, "too_large", "a body may have 64 KiB at most");
  std::string largest = get + "A: ";
  largest += std::string(8192 - largest.size() - 4, 'x') + "\r\n\r\n";
  ck_assert_uint_eq(largest.size(), 8192);
  ck_assert(read_all(largest, 0, 8192).starts_with(got));
  largest.insert(20, "x");
  ck_assert(read_all(largest, 0, 9000) == head_full);
  ck_assert(read_all("GET /" + std::string(9000, 'x'), 0, 1) == head_full);
  std::string lines;
  for (int i = 0; i < 4097; ++i) lines += "\r\n";
  ck_assert(read_all(lines, 0, 1) == head_full);

  ck_assert(read_all(post + "Content-Length: 65537\r\n\r\nx", 0, 9000) == body_full);
  const std::string chunk = "8000\r\n" + std::string(0x8000, 'x') + "\r\n";
  const std::string chunked = post + "Transfer-Encoding: chunked\r\n\r\n" + chunk + chunk;
  ck_assert(read_all(chunked + "0\r\n\r\n", 0, 1000).ends_with("x]\n"));
  ck_assert(read_all(chunked + "1\r\nx\r\n0\r\n\r\n", 0, 1000) == body_full);
  std::string padded = post + "Transfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 6000; ++i) padded += "1;" + std::string(100, 'x') + "\r\nx\r\n";
  ck_assert(read_all(padded, 0, 1000) == body_full);
}
END_TEST

SUITE(under_every_split, bounds)
