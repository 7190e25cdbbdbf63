// {"cpu_utilization": 0.3, "named_metrics": {"queue": 2}}; names also as in protobuf's JSON,
// cpuUtilization.
#include <nlohmann/json.hpp>
#include <string>

#include "reports/orca_fields.h"

namespace leastwise {
namespace {

using Json = nlohmann::json;

std::string snake_case(const std::string& name) {
  std::string out;
  for (const char c : name) {
    if (c >= 'A' && c <= 'Z') {
      out += '_';
      out += static_cast<char>(c - 'A' + 'a');
    } else {
      out += c;
    }
  }
  return out;
}

// Called by the parser as it reads: nothing is built, and depth costs nothing.
class Handler final : public nlohmann::json_sax<Json> {
 public:
  explicit Handler(OrcaFields& out) : out_(out) {}

  bool number_integer(Json::number_integer_t n) override { return add(static_cast<double>(n)); }
  bool number_unsigned(Json::number_unsigned_t n) override { return add(static_cast<double>(n)); }
  bool number_float(Json::number_float_t n, const std::string&) override { return add(n); }
  // Protobuf writes numbers of 64 bits as text; we look at none of them.
  bool string(std::string&) override { return depth_ == 1 && name_ == "rps"; }
  bool start_object(std::size_t) override { return ++depth_ <= 2; }
  bool end_object() override {
    --depth_;
    map_.clear();
    return true;
  }
  bool key(std::string& name) override {
    if (depth_ == 1) {
      name_ = snake_case(name);
      map_.clear();
    } else {
      if (map_.empty()) map_ = name_;
      name_ = name;
    }
    return true;
  }

  bool null() override { return false; }
  bool boolean(bool) override { return false; }
  bool binary(Json::binary_t&) override { return false; }
  bool start_array(std::size_t) override { return false; }
  bool end_array() override { return false; }
  bool parse_error(std::size_t, const std::string&, const Json::exception&) override {
    return false;
  }

 private:
  bool add(double value) { return depth_ > 0 && out_.add(map_, name_, value); }

  OrcaFields& out_;
  int depth_ = 0;
  std::string map_, name_;
};

}  // namespace

bool read_orca_json(std::string_view text, OrcaFields& out) noexcept try {
  Handler handler(out);
  return Json::sax_parse(text, &handler);
} catch (...) {
  return false;  // memory
}

}  // namespace leastwise
