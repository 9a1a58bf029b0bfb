#include "src/node/links.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace node {

namespace {

// For a last word to be taken in by the other side.
constexpr peer::Millis patience{500};

}  // namespace

// One connection: of the mesh's while id is not 0, then on its way out.
class Links::Wire final : public io::Stream::Owner {
 public:
  Wire(Links& links, peer::ConnId its_id) : id(its_id), links_(links) {}

  void on_open() noexcept override {
    if (id != 0) links_.mesh_->opened(id, links_.loop_.now());
  }
  void on_bytes(std::string_view bytes) noexcept override {
    if (id != 0) links_.mesh_->bytes(id, links_.loop_.now(), bytes);
  }
  void fill(peer::Buffer& out) noexcept override {
    if (!last_words.empty()) out.swap(last_words), last_words.release();
    if (id != 0) links_.mesh_->fill(id, out);
  }
  void on_closed(std::string_view why) noexcept override {
    const peer::ConnId lost = std::exchange(id, 0);
    if (lost != 0) links_.mesh_->lost(lost, links_.loop_.now(), why);
    links_.ended(*this);
  }

  peer::ConnId id;
  peer::Buffer last_words;
  std::unique_ptr<io::Stream> stream;

 private:
  Links& links_;
};

Links::Links(io::Loop& loop, OnReport on_report) : loop_(loop), on_report_(std::move(on_report)) {}

Links::~Links() = default;

void Links::accept(io::Listener::Ticket& ticket) {
  auto wire = std::make_unique<Wire>(*this, 0);
  wire->stream = ticket.take(*wire, io::Stream::Share::many);
  wire->id = mesh_->accepted(loop_.now(), to_string(wire->stream->remote()));
  if (wire->id != 0) wires_.emplace(wire->id, std::move(wire));
}

void Links::dial(peer::ConnId id, const peer::Address& address) {
  auto wire = std::make_unique<Wire>(*this, id);
  wire->stream = io::Stream::dial(loop_, address, mesh_->self().timing.dial_timeout, *wire);
  wires_.emplace(id, std::move(wire));
}

void Links::want_write(peer::ConnId id) {
  if (const auto at = wires_.find(id); at != wires_.end()) at->second->stream->want_write();
}

// May be called from inside the wire's own events: it is freed later.
void Links::close(peer::ConnId id) {
  const auto at = wires_.find(id);
  if (at == wires_.end()) return;
  at->second->id = 0;
  at->second->stream.reset();
  ended_.push_back(std::move(at->second));
  wires_.erase(at);
}

void Links::farewell(peer::ConnId id, std::string_view last_words) {
  const auto at = wires_.find(id);
  if (at == wires_.end()) return;
  Wire& wire = *at->second;
  wire.id = 0;
  wire.last_words.append(last_words);
  wire.stream->want_write();
  wire.stream->finish(patience);
  parting_.push_back(std::move(at->second));
  wires_.erase(at);
}

void Links::ended(Wire& wire) {
  const auto is_it = [&wire](const auto& owned) { return owned.get() == &wire; };
  if (const auto at = std::find_if(parting_.begin(), parting_.end(), is_it); at != parting_.end()) {
    ended_.push_back(std::move(*at));
    parting_.erase(at);
  }
  for (auto at = wires_.begin(); at != wires_.end(); ++at) {
    if (at->second.get() != &wire) continue;
    ended_.push_back(std::move(at->second));
    wires_.erase(at);
    break;
  }
  if (done_ && wires_.empty() && parting_.empty()) std::exchange(done_, nullptr)();
}

void Links::sweep() { ended_.clear(); }

void Links::finish(std::function<void()> done) {
  done_ = std::move(done);
  std::vector<peer::ConnId> all;
  for (const auto& [id, wire] : wires_) all.push_back(id);
  for (const peer::ConnId id : all) {
    peer::Buffer last;
    mesh_->fill(id, last);
    farewell(id, last.view());
  }
  if (parting_.empty()) std::exchange(done_, nullptr)();
}

}  // namespace node
