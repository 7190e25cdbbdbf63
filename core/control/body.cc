#include "control/body.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <span>
#include <string>

#include "leastwise/config.h"
#include "leastwise/pool.h"

namespace leastwise::control {
namespace {

using Json = nlohmann::json;

enum class Type : std::uint8_t { kNumber, kFlag, kTime, kAddress };

constexpr std::uint32_t kChange = static_cast<std::uint32_t>(BodyKind::kChange);
constexpr std::uint32_t kAdd = static_cast<std::uint32_t>(BodyKind::kAdd);
constexpr std::uint32_t kEject = static_cast<std::uint32_t>(BodyKind::kEject);
constexpr std::uint32_t kPicks = static_cast<std::uint32_t>(BodyKind::kPicks);

struct Key {
  std::string_view name;
  std::uint32_t kinds;
  Type type;
  std::uint32_t setting;  // of Change; 0: another part of Body
  std::uint64_t min, max;
  std::string_view accepted;
};

constexpr std::uint64_t kMostConns = 0x7fffffff, kMostFails = 65535;
constexpr std::string_view kFlagAccepted = "true or false";

constexpr Key kKeys[] = {
    {"server", kChange | kAdd, Type::kAddress, 0, 0, 0, "a text such as \"10.0.0.1:8080\""},
    {"weight", kChange | kAdd | kPicks, Type::kNumber, Change::kWeight, 1, kMaxWeight,
     "a number from 1 to 65535"},
    {"max_conns", kChange | kAdd, Type::kNumber, Change::kMaxConns, 0, kMostConns,
     "a number from 0 (no limit) to 2147483647"},
    {"max_fails", kChange | kAdd, Type::kNumber, Change::kMaxFails, 0, kMostFails,
     "a number from 0 (never left out for failures) to 65535"},
    {"fail_timeout", kChange | kAdd, Type::kTime, Change::kFailTimeout, 0, 0,
     "a time such as \"10s\", up to 24h"},
    {"down", kChange | kAdd, Type::kFlag, Change::kDownFlag, 0, 0, kFlagAccepted},
    {"drain", kChange | kAdd | kPicks, Type::kFlag, Change::kDrainingFlag, 0, 0, kFlagAccepted},
    {"remote", kChange | kAdd | kPicks, Type::kFlag, Change::kRemoteFlag, 0, 0, kFlagAccepted},
    {"backup", kChange | kAdd, Type::kFlag, 0, 0, 0, kFlagAccepted},
    {"slow_start", kChange | kAdd, Type::kTime, 0, 0, 0, "a time such as \"30s\", up to 24h"},
    {"for", kEject, Type::kTime, 0, 0, 0, "a time such as \"30s\", up to 24h"},
};

constexpr std::uint32_t flag_of(std::uint32_t setting) noexcept {
  return setting == Change::kDownFlag       ? kDown
         : setting == Change::kDrainingFlag ? kDraining
                                            : kRemote;
}

// Called by the parser as it reads: nothing is built, and depth costs nothing.
class Handler final : public nlohmann::json_sax<Json> {
 public:
  Handler(BodyKind kind, Body& out, Text& error)
      : kind_(static_cast<std::uint32_t>(kind)), out_(out), error_(error) {}

  bool start_object(std::size_t) override { return depth_++ == 0 || refuse_value(); }
  bool end_object() override { return true; }
  bool key(std::string& name) override {
    const auto* found = std::ranges::find(kKeys, name, &Key::name);
    if (found == std::end(kKeys) || (found->kinds & kind_) == 0) return refuse_key(name);
    key_ = found;
    const std::uint32_t bit = 1U << (found - std::begin(kKeys));
    if ((seen_ & bit) != 0) {
      error_ << '"' << found->name << "\" is there twice";
      return false;
    }
    seen_ |= bit;
    return true;
  }
  bool number_integer(Json::number_integer_t) override { return refuse_value(); }
  bool number_unsigned(Json::number_unsigned_t n) override {
    if (!is(Type::kNumber) || n < key_->min || n > key_->max) return refuse_value();
    const auto value = static_cast<std::uint32_t>(n);
    if (key_->setting == Change::kWeight) out_.change.to.weight = value;
    if (key_->setting == Change::kMaxConns) out_.change.to.max_conns = value;
    if (key_->setting == Change::kMaxFails) out_.change.to.max_fails = value;
    return given();
  }
  bool number_float(Json::number_float_t, const std::string&) override { return refuse_value(); }
  bool boolean(bool yes) override {
    if (!is(Type::kFlag)) return refuse_value();
    if (key_->setting == 0) {
      out_.backup = yes;
    } else if (yes) {
      out_.change.to.flags |= flag_of(key_->setting);
    }
    return given();
  }
  bool string(std::string& text) override {
    if (is(Type::kTime)) return set_time(text);
    if (!is(Type::kAddress) || text.empty() || text.size() > out_.address.size()) {
      return refuse_value();
    }
    out_.address_size = text.copy(out_.address.data(), out_.address.size());
    return true;
  }
  // As configured again.
  bool null() override {
    if ((kind_ & (kChange | kPicks)) == 0 || key_ == nullptr || key_->setting == 0)
      return refuse_value();
    out_.change.undone |= key_->setting;
    return true;
  }
  bool binary(Json::binary_t&) override { return refuse_value(); }
  bool start_array(std::size_t) override { return refuse_value(); }
  bool end_array() override { return true; }
  bool parse_error(std::size_t at, const std::string&, const Json::exception&) override {
    error_ << "no JSON, at byte " << std::uint64_t{at} << ": expected an object such as "
           << (kind_ == kEject ? R"({"for": "30s"})" : R"({"weight": 3, "drain": true})");
    return false;
  }

 private:
  bool is(Type type) const { return key_ != nullptr && key_->type == type; }
  bool given() {
    out_.change.fields |= key_->setting;
    return true;
  }
  bool set_time(const std::string& text) {
    Duration time{};
    if (!parse_duration(text, Duration::zero(), Pool::kMostEjection, time).ok()) {
      return refuse_value();
    }
    if (key_->setting != 0) {
      out_.change.to.fail_timeout = time;
    } else if (key_->kinds == kEject) {
      out_.time = time;
    } else {
      out_.slow_start = time;
    }
    return given();
  }
  bool refuse_value() {
    if (key_ == nullptr) {
      error_ << "expected an object such as "
             << (kind_ == kEject ? R"({"for": "30s"})" : R"({"weight": 3, "drain": true})");
    } else {
      error_ << '"' << key_->name << "\": expected " << key_->accepted;
    }
    return false;
  }
  bool refuse_key(const std::string& name) {
    std::size_t shown = std::min<std::size_t>(name.size(), 64);
    // Not in the middle of a character.
    while (shown < name.size() && (static_cast<std::uint8_t>(name[shown]) & 0xC0) == 0x80) --shown;
    error_ << "unknown key \"" << std::string_view(name).substr(0, shown) << "\": expected ";
    bool first = true;
    for (const Key& key : kKeys) {
      if ((key.kinds & kind_) == 0) continue;
      error_ << (first ? "" : ", ") << key.name;
      first = false;
    }
    return false;
  }

  std::uint32_t kind_;
  Body& out_;
  Text& error_;
  int depth_ = 0;
  const Key* key_ = nullptr;
  std::uint32_t seen_ = 0;
};

}  // namespace

bool read_body(BodyKind kind, std::string_view text, Body& out, Text& error) noexcept try {
  out = {};
  if (text.empty() && kind == BodyKind::kEject) return true;
  if (kind == BodyKind::kAdd) out.change.to.max_fails = 1;  // as nginx has it
  Handler handler(kind, out, error);
  return Json::sax_parse(text, &handler);
} catch (...) {
  error << "out of memory";
  return false;
}

}  // namespace leastwise::control
