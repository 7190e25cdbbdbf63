// JSON: a figure is named by the way to it, "a.b.0" for {"a":{"b":[0.5]}}.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "reports/scrape.h"

namespace leastwise {
namespace {

using Json = nlohmann::json;

// Called by the parser as it reads: nothing is built.
class Handler final : public nlohmann::json_sax<Json> {
 public:
  Handler(const ScrapeSettings& settings, Samples& out) : settings_(settings), out_(out) {}

  bool is_bad() const { return is_bad_; }

  bool number_integer(Json::number_integer_t n) override { return add(static_cast<double>(n)); }
  bool number_unsigned(Json::number_unsigned_t n) override { return add(static_cast<double>(n)); }
  bool number_float(Json::number_float_t n, const std::string&) override { return add(n); }
  bool null() override { return next(); }
  bool boolean(bool b) override { return add(b ? 1 : 0); }
  bool string(std::string&) override { return next(); }
  bool binary(Json::binary_t&) override { return next(); }
  bool start_object(std::size_t) override { return enter(kObject); }
  bool start_array(std::size_t) override { return enter(0); }
  bool end_object() override { return leave(); }
  bool end_array() override { return leave(); }
  bool key(std::string& name) override {
    path_.resize(levels_.back().path);
    if (!path_.empty()) path_ += '.';
    path_ += name;
    return true;
  }
  bool parse_error(std::size_t, const std::string&, const Json::exception&) override {
    return false;
  }

 private:
  static constexpr std::size_t kObject = ~std::size_t{0};
  static constexpr std::size_t kMostLevels = 32;
  struct Level {
    std::size_t path;   // length of what leads here
    std::size_t place;  // of the next in an array
  };

  // The way to the value that comes now, unless a key has said it.
  void name_place() {
    if (levels_.empty() || levels_.back().place == kObject) return;
    path_.resize(levels_.back().path);
    if (!path_.empty()) path_ += '.';
    path_ += std::to_string(levels_.back().place++);
  }
  bool next() {
    name_place();
    return true;
  }
  bool enter(std::size_t place) {
    name_place();
    if (levels_.size() == kMostLevels) return false;
    levels_.push_back({path_.size(), place});
    return true;
  }
  bool leave() {
    path_.resize(levels_.back().path);
    levels_.pop_back();
    return true;
  }
  bool add(double value) {
    name_place();
    for (std::size_t i = 0; i < settings_.series().size(); ++i) {
      const ScrapeSettings::Series& s = settings_.series()[i];
      if (s.name != path_ || !s.labels.empty()) continue;
      if (!out_.add(s, i, value)) is_bad_ = true;
    }
    return !is_bad_;
  }

  const ScrapeSettings& settings_;
  Samples& out_;
  std::string path_;
  std::vector<Level> levels_;
  bool is_bad_ = false;
};

}  // namespace

ProbeFault read_metrics_json(std::string_view text, const ScrapeSettings& settings,
                             Samples& out) noexcept try {
  Handler handler(settings, out);
  if (Json::sax_parse(text, &handler)) return ProbeFault::kNone;
  return handler.is_bad() ? ProbeFault::kBadMetrics : ProbeFault::kNoText;
} catch (...) {
  return ProbeFault::kNoText;  // memory
}

}  // namespace leastwise
