#include "companion/file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
#include <utility>

#include "config/near_match.h"

namespace leastwise::companion {
namespace {

using agent::ConfigError;
using agent::ConfigLexer;
using agent::Token;
using discovery::kubernetes::Family;
using discovery::kubernetes::ServiceName;
using TokenKind = Token::Kind;

constexpr std::size_t kMostPools = 1000;
constexpr std::size_t kMostName = 100;

constexpr std::string_view kAcceptedService =
    "expected [NAMESPACE/]SERVICE[:PORT], such as web, shop/web:http or web:8080";

// What may stand in a path and in a query as it is. A name of Kubernetes is a part of this.
bool is_word(std::string_view text, std::string_view others) noexcept {
  return !text.empty() && text.size() <= 253 && std::ranges::all_of(text, [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           others.find(c) != others.npos;
  });
}

// A namespace or a Service: RFC 1123's labels, which have no dot.
bool is_label(std::string_view text) noexcept { return text.size() <= 63 && is_word(text, "-"); }

bool parse_family(std::string_view text, Family& out) {
  constexpr std::pair<std::string_view, Family> kFamilies[] = {
      {"family=auto", Family::kAuto},
      {"family=ipv4", Family::kIpv4},
      {"family=ipv6", Family::kIpv6},
      {"family=both", Family::kBoth},
  };
  for (const auto& [word, family] : kFamilies) {
    if (text != word) continue;
    out = family;
    return true;
  }
  return false;
}

template <typename Words>
std::string unknown(std::string_view word, const Words& words,
                    std::vector<std::string_view> names = {}) {
  for (const auto& w : words) names.push_back(w.name);
  const std::string_view meant = agent::near_match(word, names);
  if (!meant.empty()) return "not known; did you mean \"" + std::string(meant) + "\"?";
  std::string text = "not known; accepted here:";
  for (const std::string_view n : names) text += (text.back() == ':' ? " " : ", ") + std::string(n);
  return text;
}

class Parser {
 public:
  Parser(std::string_view file, std::string_view text) : file_(file), lexer_(file, text) {}

  CompanionConfig parse() {
    for (advance(); token_.kind != TokenKind::kEnd;) directive();
    if (config_.pools.empty()) {
      fail(token_, "upstream", "required, such as: upstream app { discover kubernetes web; }");
    }
    if (config_.nginx_socket.empty()) {
      fail(token_, "nginx_socket", "required, such as: nginx_socket /run/nginx/control.sock;");
    }
    return std::move(config_);
  }

 private:
  [[noreturn]] void fail(const Token& at, std::string_view value, std::string_view message) {
    throw ConfigError(file_, at.line, value, message);
  }
  void advance() { token_ = lexer_.next(); }

  Token take_word(std::string_view what) {
    if (token_.kind == TokenKind::kEnd)
      fail(token_, "", "the file ends where " + std::string(what) + " was expected");
    if (token_.kind != TokenKind::kWord) fail(token_, token_.text, "expected " + std::string(what));
    Token word = std::move(token_);
    advance();
    return word;
  }

  void take(TokenKind kind, const Token& after, std::string_view sign) {
    if (token_.kind != kind) {
      fail(after, after.text, "expected \"" + std::string(sign) + "\" after it");
    }
    advance();
  }

  void refuse_duplicate(const Token& name, const std::string& key) {
    const auto [first, is_new] = seen_.emplace(key, name.line);
    if (is_new) return;
    fail(name, name.text, "duplicate; it is already set in line " + std::to_string(first->second));
  }

  void directive() {
    const Token name = take_word("the name of a directive");
    for (const KindWords& k : pool_kinds()) {
      if (k.name == name.text) return pool(k);
    }
    const auto settings = companion_settings();
    const auto found = std::ranges::find(settings, name.text, &CompanionSetting::name);
    if (found == settings.end()) {
      std::vector<std::string_view> kinds;
      for (const KindWords& k : pool_kinds()) kinds.push_back(k.name);
      fail(name, name.text, unknown(name.text, settings, kinds));
    }
    refuse_duplicate(name, name.text);
    const Token value = take_word("one value of \"" + name.text + "\"");
    if (!found->read(value.text, config_)) fail(value, value.text, found->accepted);
    take(TokenKind::kSemicolon, value, ";");
  }

  void pool(const KindWords& words) {
    const Token name = take_word("the name of one that the proxy has");
    if (name.text.size() > kMostName || !is_word(name.text, "-_.")) {
      fail(name, name.text, "expected up to 100 letters, digits, \"-\", \"_\", \".\"");
    }
    refuse_duplicate(name, std::string(words.name) + ' ' + name.text);
    if (config_.pools.size() == kMostPools) fail(name, name.text, "expected at most 1000");
    take(TokenKind::kOpen, name, "{");
    config_.pools.push_back({.kind = words.kind, .name = name.text, .service = {}});
    const Token what = take_word("\"discover\"");
    if (what.text != "discover") fail(what, what.text, "not known; accepted here: discover");
    discover(config_.pools.back());
    if (token_.kind == TokenKind::kWord)
      fail(token_, token_.text, "expected \"}\": one discover is all there is");
    take(TokenKind::kClose, name, "}");
  }

  void discover(PoolConfig& out) {
    const Token way = take_word("where servers are discovered");
    if (std::ranges::none_of(source_words(), [&](auto& s) { return s.name == way.text; })) {
      fail(way, way.text, unknown(way.text, source_words()));
    }
    Token last = take_word("a Service: " + std::string(kAcceptedService.substr(9)));
    if (!parse_service(last.text, out.service)) fail(last, last.text, kAcceptedService);
    while (token_.kind == TokenKind::kWord) {
      last = take_word("a parameter");
      if (!parse_family(last.text, out.service.family)) {
        fail(last, last.text, "expected family=auto, family=ipv4, family=ipv6 or family=both");
      }
    }
    take(TokenKind::kSemicolon, last, ";");
  }

  std::string_view file_;
  ConfigLexer lexer_;
  Token token_;
  CompanionConfig config_;
  std::map<std::string, std::uint32_t, std::less<>> seen_;
};

}  // namespace

bool parse_service(std::string_view text, ServiceName& out) {
  ServiceName service;
  if (const std::size_t slash = text.find('/'); slash != text.npos) {
    service.namespace_ = text.substr(0, slash);
    if (!is_label(service.namespace_)) return false;
    text.remove_prefix(slash + 1);
  }
  const std::size_t colon = text.find(':');
  service.name = text.substr(0, colon);
  if (colon != text.npos) {
    service.port.text = text.substr(colon + 1);
    if (!is_label(service.port.text)) return false;
    const bool is_number = service.port.text.find_first_not_of("0123456789") == std::string::npos;
    if (is_number && !service.port.number()) return false;
  }
  if (!is_label(service.name)) return false;
  out = std::move(service);
  return true;
}

CompanionConfig parse_companion_config(std::string_view file, std::string_view text) {
  return Parser(file, text).parse();
}

CompanionConfig read_companion_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error(path + ": " + std::strerror(errno));
  std::ostringstream text;
  text << file.rdbuf();
  return parse_companion_config(path, text.view());
}

}  // namespace leastwise::companion
