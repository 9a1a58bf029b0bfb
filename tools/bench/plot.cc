#include "tools/bench/plot.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <sstream>
#include <utility>

#include "tools/bench/commands.h"
#include "tools/bench/figures.h"
#include "tools/common/json.h"
#include "tools/common/printable.h"

namespace bench {

namespace {

constexpr double width = 900;
constexpr double left = 84;
constexpr double right = 48;
constexpr double head = 56;         // of the title
constexpr double legend_line = 22;  // of each curve
constexpr double field = 380;       // height of the picture itself
constexpr double foot = 58;
constexpr double nines_max = 6;
constexpr std::size_t curves_max = 12;  // more could not be told apart

struct Look {
  const char* colour;
  const char* dashes;
};
// Okabe and Ito's colours, which the colour-blind tell apart; dashes for print.
constexpr Look looks[] = {{"#0072b2", "none"},     {"#d55e00", "8 4"}, {"#009e73", "2 4"},
                          {"#cc79a7", "12 4 2 4"}, {"#e69f00", "5 3"}, {"#56b4e9", "1 3"}};

constexpr const char* style =
    "<style>text{font:13px system-ui,sans-serif;fill:#222}.grid{stroke:#ddd}.axis{stroke:#444}"
    ".curve{fill:none;stroke-width:2.2}.title{font-size:17px;font-weight:600}.paper{fill:#fff}"
    ".dim{fill:#666}@media(prefers-color-scheme:dark){text{fill:#ddd}.paper{fill:#16181c}.grid{stroke:#333}"
    ".axis{stroke:#aaa}.dim{fill:#999}}</style>\n";

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : tool::printable(text, tool::Charset::utf8)) {
    if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '&')
      out += "&amp;";
    else if (c == '"')
      out += "&quot;";
    else
      out += c;
  }
  return out;
}

std::string at(double x, double y) { return fixed(x, 1) + "," + fixed(y, 1); }

std::string text(double x, double y, std::string_view anchor, std::string_view kind, std::string_view what) {
  return "<text x=\"" + fixed(x, 1) + "\" y=\"" + fixed(y, 1) + "\" text-anchor=\"" + std::string(anchor) +
         "\" class=\"" + std::string(kind) + "\">" + escaped(what) + "</text>\n";
}

std::string line(double x1, double y1, double x2, double y2, std::string_view kind) {
  return "<path class=\"" + std::string(kind) + "\" d=\"M" + at(x1, y1) + "L" + at(x2, y2) + "\"/>\n";
}

// How many nines a share has: 0.99 has two.
double nines(double share) { return -std::log10(std::max(1 - share, 1e-12)); }

// Both axes: where a share and a span stand.
class Axes {
 public:
  Axes(const std::vector<Curve>& curves, double top) : top_(top) {
    std::uint64_t most = 10;
    double shortest = 1e18;
    double longest = 1;
    for (const Curve& curve : curves) {
      most = std::max(most, curve.spans.count());
      shortest = std::min(shortest, static_cast<double>(std::max<Nanos>(curve.spans.quantile(0), 1)));
      longest = std::max(longest, static_cast<double>(curve.spans.max()));
    }
    nines_ = std::clamp(std::ceil(std::log10(static_cast<double>(most))), 2.0, nines_max);
    low_ = std::log10(std::min(shortest, longest)) - 0.05;
    high_ = std::max(std::log10(longest) + 0.05, low_ + 0.3);
  }

  double x(double of_nines) const { return left + std::clamp(of_nines / nines_, 0.0, 1.0) * (width - left - right); }
  double y(double span_ns) const {
    const double share = (std::log10(std::max(span_ns, 1.0)) - low_) / (high_ - low_);
    return top_ + field * (1 - std::clamp(share, 0.0, 1.0));
  }
  double top() const { return top_; }

  std::string draw() const {
    std::string out =
        line(left, top_, left, top_ + field, "axis") + line(left, top_ + field, width - right, top_ + field, "axis");
    for (int n = 0; n <= static_cast<int>(nines_); ++n) out += draw_share(n);
    out += draw_spans();
    return out + text((left + width - right) / 2, top_ + field + 46, "middle", "dim",
                      "share of messages that took no longer");
  }

 private:
  std::string draw_share(int n) const {
    const double share = n == 0 ? 0 : 100 - 100 * std::pow(10.0, -n);
    const std::string grid = n == 0 ? "" : line(x(n), top_, x(n), top_ + field, "grid");
    return grid + text(x(n), top_ + field + 22, "middle", "", fixed(share, std::max(n - 2, 0)) + " %");
  }

  // At 1, 2 and 5 of each decade; where there are many decades, at 1 alone.
  std::string draw_spans() const {
    std::string out;
    for (int decade = 0; decade <= 13; ++decade)
      for (const double step : {1.0, 2.0, 5.0}) {
        const double value = step * std::pow(10.0, decade);
        if (std::log10(value) < low_ || std::log10(value) > high_) continue;
        if (high_ - low_ > 4 && step != 1) continue;
        out += line(left, y(value), width - right, y(value), "grid");
        out += text(left - 8, y(value) + 4, "end", "", short_span(value));
      }
    return out;
  }

  static std::string short_span(double ns) {
    if (ns < 1e3) return fixed(ns, 0) + " ns";
    if (ns < 1e6) return fixed(ns / 1e3, 0) + " us";
    if (ns < 1e9) return fixed(ns / 1e6, 0) + " ms";
    return fixed(ns / 1e9, 0) + " s";
  }

  double top_;
  double nines_ = 2;
  double low_ = 0;  // log10 of nanoseconds
  double high_ = 1;
};

// To the right until the last message alone: that took the longest.
std::string path_of(const Histogram& spans, const Axes& axes) {
  const auto count = static_cast<double>(spans.count());
  const double last = nines(1 - 1 / count);
  std::string path;
  double seen = 0;
  for (const auto& [largest, times] : spans.buckets()) {
    const double before = seen / count;
    seen += static_cast<double>(times);
    const double y = axes.y(static_cast<double>(largest));
    path += (path.empty() ? "M" : "L") + at(axes.x(nines(before)), y);
    path += "L" + at(axes.x(std::min(nines(seen / count), std::max(last, nines(before)))), y);
  }
  return path;
}

std::string legend_of(const Curve& curve) {
  const auto figure = [&curve](double share) { return span(curve.spans.quantile(share)); };
  return curve.label + ": p50 " + figure(0.5) + ", p99 " + figure(0.99) + ", p99.9 " + figure(0.999) + ", max " +
         span(curve.spans.max()) + " (" + grouped(curve.spans.count()) + " messages)";
}

}  // namespace

std::string to_svg(std::string_view title, const std::vector<Curve>& all) {
  std::vector<Curve> curves;
  for (const Curve& curve : all)
    if (curve.spans.count() > 0 && curves.size() < curves_max) curves.push_back(curve);
  const double top = head + legend_line * static_cast<double>(curves.size()) + 14;
  const double height = top + field + foot;
  const std::string size = fixed(width, 0) + " " + fixed(height, 0);
  std::string out = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + size + "\" width=\"" +
                    fixed(width, 0) + "\" height=\"" + fixed(height, 0) + "\" role=\"img\">\n<title>" + escaped(title) +
                    "</title>\n" + style + "<rect class=\"paper\" width=\"100%\" height=\"100%\"/>\n" +
                    text(left, 34, "start", "title", title);
  const Axes axes(curves, top);
  out += axes.draw();
  for (std::size_t i = 0; i < curves.size(); ++i) {
    const Look& look = looks[i % std::size(looks)];
    const std::string stroke =
        std::string("class=\"curve\" stroke=\"") + look.colour + "\" stroke-dasharray=\"" + look.dashes + "\"";
    const double y = head + legend_line * static_cast<double>(i) + 6;
    out += "<path " + stroke + " d=\"M" + at(left, y) + "h34\"/>\n";
    out += text(left + 44, y + 4, "start", "", legend_of(curves[i]));
    out += "<path " + stroke + " d=\"" + path_of(curves[i].spans, axes) + "\"/>\n";
  }
  return out + "</svg>\n";
}

namespace {

Ending write_file(const std::string& name, const std::string& text) {
  std::ofstream file(name, std::ios::trunc);
  file << text;
  file.close();
  if (file) return std::nullopt;
  return Error{Exit::failed, tool::printable(name) + " cannot be written"};
}

}  // namespace

Ending draw(const Histogram& spans, const Invocation& invocation) {
  if (invocation.plot.empty()) return std::nullopt;
  return write_file(invocation.plot, to_svg("Latency", {{invocation.label, spans}}));
}

Result<std::vector<Curve>> read_curves(std::string_view json_lines, const std::string& name) {
  std::vector<Curve> curves;
  std::istringstream lines{std::string(json_lines)};
  for (std::string one; std::getline(lines, one);) {
    const tool::Json json = tool::parse_json(one);
    if (!json) return Error{Exit::usage, tool::printable(name) + ": that is not what --json prints"};
    const cJSON* const buckets = tool::item_of(json.get(), "latency_buckets");
    if (buckets == nullptr) continue;
    const std::string label = tool::text_of(json.get(), "label");
    auto curve = std::find_if(curves.begin(), curves.end(), [&](const Curve& known) { return known.label == label; });
    if (curve == curves.end()) curve = curves.insert(curves.end(), Curve{label});
    for (const cJSON* bucket = buckets->child; bucket != nullptr; bucket = bucket->next) {
      const cJSON* const micros = cJSON_GetArrayItem(bucket, 0);
      const cJSON* const count = cJSON_GetArrayItem(bucket, 1);
      if (!cJSON_IsNumber(micros) || !cJSON_IsNumber(count) || micros->valuedouble < 0 || count->valuedouble < 0)
        continue;
      curve->spans.add(static_cast<Nanos>(std::llround(std::min(micros->valuedouble, 1e12) * 1e3)),
                       static_cast<std::uint64_t>(std::min(count->valuedouble, 1e15)));
    }
  }
  return curves;
}

Ending run_plot(const Invocation& invocation) {
  std::string all;
  for (const std::string& name : invocation.files) {
    std::ifstream file(name);
    std::stringstream text;
    text << file.rdbuf();
    if (!file) return Error{Exit::failed, tool::printable(name) + " cannot be read"};
    all += text.str();
  }
  const Result<std::vector<Curve>> curves = read_curves(all, invocation.files.front());
  if (!curves) return curves.failure();
  if (std::none_of(curves->begin(), curves->end(), [](const Curve& curve) { return curve.spans.count() > 0; }))
    return Error{Exit::usage, "there are no latencies in that; throughput and latency print some with --json"};
  return write_file(invocation.out, to_svg(invocation.title.empty() ? "Latency" : invocation.title, *curves));
}

}  // namespace bench
