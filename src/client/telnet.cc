#include "src/client/telnet.h"

#include <libtelnet.h>

#include <exception>

namespace client {

namespace {

// libtelnet inflates on its own accord what follows a COMPRESS2 subnegotiation;
// fed in small slices it has inflated a quarter of a MiB at most when we hear of it.
constexpr std::size_t slice_bytes = 256;

}  // namespace

Telnet::Telnet() : telnet_(telnet_init(nullptr, &Telnet::on_event, 0, this)) {
  if (telnet_ == nullptr) std::terminate();  // out of memory ends us everywhere
}

Telnet::~Telnet() { telnet_free(telnet_); }

bool Telnet::take(std::string_view bytes, std::string& data, std::string& answers, std::size_t answers_max) {
  data_ = &data;
  answers_ = &answers;
  answers_max_ = answers_max;
  while (!bytes.empty() && !broken_) {
    const std::string_view slice = bytes.substr(0, slice_bytes);
    telnet_recv(telnet_, slice.data(), slice.size());
    bytes.remove_prefix(slice.size());
  }
  return !broken_;
}

void Telnet::on_event(telnet_t*, telnet_event_t* event, void* self) noexcept {
  static_cast<Telnet*>(self)->handle(*event);
}

void Telnet::handle(const telnet_event_t& event) {
  if (broken_) return;
  switch (event.type) {
    case TELNET_EV_DATA: data_->append(event.data.buffer, event.data.size); break;
    case TELNET_EV_SEND:
      if (answers_->size() + event.data.size <= answers_max_) answers_->append(event.data.buffer, event.data.size);
      break;
    case TELNET_EV_WARNING:
      // Most are harmless. But a subnegotiation that outgrows libtelnet's buffer
      // would go on as data; 0.21 sets no error code, only where it was noticed.
      broken_ = std::string_view(event.error.func) == "_buffer_byte";
      break;
    case TELNET_EV_ERROR:
    case TELNET_EV_COMPRESS: broken_ = true; break;
    case TELNET_EV_IAC:
    case TELNET_EV_WILL:
    case TELNET_EV_WONT:
    case TELNET_EV_DO:
    case TELNET_EV_DONT:
    case TELNET_EV_SUBNEGOTIATION:
    case TELNET_EV_ZMP:
    case TELNET_EV_TTYPE:
    case TELNET_EV_ENVIRON:
    case TELNET_EV_MSSP: break;
  }
}

}  // namespace client
