#include "control/elsewhere.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string>

#include "control/answer.h"

namespace leastwise::control {
namespace {

using Json = nlohmann::json;

constexpr double kMost = 1e6;  // requests, and seconds

enum class Key : std::uint8_t { kNone, kBalancers, kCount, kServers };

struct KeyWords {
  Key key;
  std::string_view name, accepted;
};
constexpr KeyWords kKeys[] = {
    {Key::kBalancers, "balancers", "a whole number from 0 to 255"},
    {Key::kCount, "count", "true or false"},
    {Key::kServers, "servers",
     "an object such as {\"10.0.0.1:8080\": [2.5, 0.012]}: requests, and seconds of their work, "
     "each from 0 to 1000000"},
};

// Called by the parser as it reads: nothing is built, and depth costs nothing.
class Handler final : public nlohmann::json_sax<Json> {
 public:
  Handler(const Pool& pool, std::string_view prefix, std::span<ThereElse> servers, Elsewhere& out,
          Text& error)
      : pool_(pool), prefix_(prefix), servers_(servers), out_(out), error_(error) {}

  bool start_object(std::size_t) override {
    const bool is_place = depth_ == 0 || (depth_ == 1 && key_ == Key::kServers);
    if (!is_place) return refuse_value();
    ++depth_;
    return true;
  }
  bool end_object() override {
    --depth_;
    return true;
  }
  bool key(std::string& name) override { return depth_ == 1 ? set_key(name) : set_server(name); }
  bool start_array(std::size_t) override {
    if (depth_ != 2 || figures_ != kNoArray) return refuse_value();
    figures_ = 0;
    return true;
  }
  bool end_array() override {
    if (figures_ != 2) return refuse_value();
    figures_ = kNoArray;
    return true;
  }
  bool number_unsigned(Json::number_unsigned_t n) override {
    if (depth_ == 2) return set_figure(static_cast<double>(n));
    if (depth_ != 1 || key_ != Key::kBalancers || n > kMostBalancers) return refuse_value();
    out_.balancers = static_cast<std::uint32_t>(n);
    return true;
  }
  bool number_float(Json::number_float_t x, const std::string&) override {
    return depth_ == 2 ? set_figure(x) : refuse_value();
  }
  bool boolean(bool yes) override {
    if (depth_ != 1 || key_ != Key::kCount) return refuse_value();
    out_.counts = yes;
    return true;
  }
  bool number_integer(Json::number_integer_t) override { return refuse_value(); }
  bool string(std::string&) override { return refuse_value(); }
  bool null() override { return refuse_value(); }
  bool binary(Json::binary_t&) override { return refuse_value(); }
  bool parse_error(std::size_t at, const std::string&, const Json::exception&) override {
    error_ << "no JSON, at byte " << std::uint64_t{at} << ": expected " << kExample;
    return false;
  }

 private:
  static constexpr std::string_view kExample =
      "an object such as {\"balancers\": 1, \"servers\": {\"10.0.0.1:8080\": [2.5, 0.012]}}";
  static constexpr int kNoArray = -1;

  bool set_key(const std::string& name) {
    const auto* found = std::ranges::find(kKeys, name, &KeyWords::name);
    if (found == std::end(kKeys)) {
      error_ << "unknown key: expected balancers, count, servers";
      return false;
    }
    key_ = found->key;
    const std::uint32_t bit = 1U << static_cast<unsigned>(key_);
    if ((seen_ & bit) != 0) {
      error_ << '"' << found->name << "\" is there twice";
      return false;
    }
    seen_ |= bit;
    return true;
  }
  bool set_server(const std::string& address) {
    std::array<char, kMaxEndpointName> buffer;
    Text name(buffer);
    name << prefix_ << address;
    const EndpointId id = name.fits() ? pool_.find(name.view()) : kNoEndpoint;
    server_ = id != kNoEndpoint && index(id) < servers_.size() ? &servers_[index(id)] : nullptr;
    if (server_ == nullptr) return true;
    if (server_->is_said) {
      error_ << "a server is there twice";
      return false;
    }
    server_->is_said = true;
    ++out_.known;
    return true;
  }
  bool set_figure(double x) {
    if (figures_ != 0 && figures_ != 1) return refuse_value();
    if (!(x >= 0 && x <= kMost)) return refuse_value();
    if (server_ != nullptr && figures_ == 0) server_->requests = static_cast<float>(x);
    ++figures_;
    return true;
  }
  bool refuse_value() {
    const auto* found = std::ranges::find(kKeys, key_, &KeyWords::key);
    if (found == std::end(kKeys)) {
      error_ << "expected " << kExample;
    } else {
      error_ << '"' << found->name << "\": expected " << found->accepted;
    }
    return false;
  }

  const Pool& pool_;
  const std::string_view prefix_;
  const std::span<ThereElse> servers_;
  Elsewhere& out_;
  Text& error_;
  int depth_ = 0;
  Key key_ = Key::kNone;
  std::uint32_t seen_ = 0;
  ThereElse* server_ = nullptr;  // that the figures are of; none: of one that is not there
  int figures_ = kNoArray;
};

}  // namespace

bool read_elsewhere(const Pool& pool, std::string_view prefix, std::string_view text,
                    std::span<ThereElse> servers, Elsewhere& out, Text& error) noexcept try {
  out = {};
  Handler handler(pool, prefix, servers, out, error);
  return Json::sax_parse(text, &handler);
} catch (...) {
  error << "out of memory";
  return false;
}

void tell_elsewhere(Pool& pool, std::span<const ThereElse> servers, const Elsewhere& elsewhere,
                    TimePoint now) noexcept {
  pool.for_each([&](EndpointId id) noexcept {
    if (index(id) >= servers.size()) return;
    const ThereElse& there = servers[index(id)];
    pool.hear(id, there.requests);
  });
  pool.heard(elsewhere.counts ? elsewhere.balancers : 0, now);
}

void render_in_flight(const Pool& pool, Text& out) noexcept {
  out << '{';
  bool first = true;
  pool.for_each([&](EndpointId id) noexcept {
    const Pool::Own own = pool.own(id);
    out << (first ? "\"" : ",\"");
    first = false;
    out.json(address_of(pool.endpoint_name(id)))
        << "\":[" << double{own.requests} << ',' << double{own.work} << ']';
  });
  out << '}';
}

}  // namespace leastwise::control
