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
using discovery::Family;
using discovery::dns::Name;
using discovery::kubernetes::ServiceName;
using TokenKind = Token::Kind;

constexpr std::size_t kMostPools = 1000;
constexpr std::size_t kMostName = 100;

constexpr std::string_view kAcceptedService =
    "expected [NAMESPACE/]SERVICE[:PORT], such as web, shop/web:http or web:8080";

constexpr std::string_view kAcceptedName =
    "expected NAME:PORT, such as web.example.org:8080, or a NAME and srv";
constexpr std::string_view kAcceptedFamily =
    "expected family=auto, family=ipv4, family=ipv6 or family=both";

// The characters that both proxies accept, and that stand in a path as they are.
bool is_pool_name(std::string_view text) noexcept {
  constexpr std::string_view kOthers = "-_.:";
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kOthers.find(c) != kOthers.npos;
  });
}

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
    check_sharing();
    if (config_.pools.empty() && !config_.share) {
      fail(token_, "upstream",
           "required, such as: upstream app { discover kubernetes web; }; or share");
    }
    for (const PoolConfig& pool : config_.pools) require_socket(pool.kind);
    if (config_.agent.address.empty() != config_.agent.token_file.empty()) {
      fail(token_, "agent_control", "required together: agent_control and agent_token_file");
    }
    return std::move(config_);
  }

 private:
  [[noreturn]] void fail(const Token& at, std::string_view value, std::string_view message) {
    throw ConfigError(file_, at.line, value, message);
  }
  void check_sharing() {
    const auto refuse_setting = [this](std::string_view name, std::string_view message) {
      Token at = token_;
      at.line = seen_.find(name)->second;
      fail(at, name, message);
    };
    if (config_.share_count && !config_.share) {
      refuse_setting("share_count", "has no effect without share; give it or take this out");
    }
    const agent::VainTls vain = agent::set_in_vain(config_.share, config_.share_tls);
    if (!vain.name.empty()) refuse_setting(vain.name, vain.message);
    if (config_.share) require_socket(Kind::kUpstream);
  }
  void require_socket(Kind kind) {
    if (kind == Kind::kBackend && !config_.haproxy_socket) {
      fail(token_, "haproxy_socket", "required, such as: haproxy_socket /run/haproxy/admin.sock;");
    }
    if (kind != Kind::kBackend && config_.nginx_socket.empty()) {
      fail(token_, "nginx_socket", "required, such as: nginx_socket /run/nginx/control.sock;");
    }
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
    if (name.text.size() > kMostName || !is_pool_name(name.text)) {
      fail(name, name.text, "expected up to 100 letters, digits, \"-\", \"_\", \".\", \":\"");
    }
    refuse_duplicate(name, std::string(words.name) + ' ' + name.text);
    if (config_.pools.size() == kMostPools) fail(name, name.text, "expected at most 1000");
    take(TokenKind::kOpen, name, "{");
    config_.pools.push_back({.kind = words.kind, .name = name.text});
    const Token what = take_word("\"discover\"");
    if (what.text != "discover") fail(what, what.text, "not known; accepted here: discover");
    discover(config_.pools.back());
    if (token_.kind == TokenKind::kWord)
      fail(token_, token_.text, "expected \"}\": one discover is all there is");
    take(TokenKind::kClose, name, "}");
  }

  void discover(PoolConfig& out) {
    const Token way = take_word("where servers are discovered");
    if (way.text == "kubernetes") return kubernetes(out.source.emplace<ServiceName>());
    if (way.text == "dns") return dns(out.source.emplace<Name>());
    fail(way, way.text, unknown(way.text, source_words()));
  }

  void kubernetes(ServiceName& out) {
    Token last = take_word("a Service: " + std::string(kAcceptedService.substr(9)));
    if (!parse_service(last.text, out)) fail(last, last.text, kAcceptedService);
    while (token_.kind == TokenKind::kWord) {
      last = take_word("a parameter");
      if (!parse_family(last.text, out.family)) fail(last, last.text, kAcceptedFamily);
    }
    take(TokenKind::kSemicolon, last, ";");
  }

  void dns(Name& out) {
    constexpr std::string_view kResolver = "resolver=";
    const Token name = take_word("a name");
    if (!parse_name(name.text, out)) fail(name, name.text, kAcceptedName);
    Token last = name;
    while (token_.kind == TokenKind::kWord) {
      last = take_word("a parameter");
      if (last.text == "srv") {
        if (out.port != 0) {
          fail(last, last.text, "the port is that of the records: leave it out of the name");
        }
        out.is_srv = true;
      } else if (last.text.starts_with(kResolver)) {
        if (!parse_resolver(std::string_view(last.text).substr(kResolver.size()), out.resolver)) {
          fail(last, last.text,
               "expected resolver=IP or IP:PORT, or several of them with \",\" between");
        }
      } else if (!parse_family(last.text, out.family)) {
        fail(last, last.text, std::string(kAcceptedFamily) + ", or srv, or resolver=IP:PORT");
      }
    }
    if (out.port == 0 && !out.is_srv) fail(name, name.text, kAcceptedName);
    take(TokenKind::kSemicolon, last, ";");
  }

  std::string_view file_;
  ConfigLexer lexer_;
  Token token_;
  CompanionConfig config_;
  std::map<std::string, std::uint32_t, std::less<>> seen_;
};

}  // namespace

CompanionConfig parse_companion_config(std::string_view file, std::string_view text) {
  return Parser(file, text).parse();
}

CompanionConfig read_companion_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error(path + ": " + std::strerror(errno));
  std::ostringstream text;
  text << file.rdbuf();
  CompanionConfig config = parse_companion_config(path, text.view());
  agent::check_tls_files(path, config.share, config.share_tls);
  return config;
}

}  // namespace leastwise::companion
