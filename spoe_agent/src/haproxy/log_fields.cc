#include "haproxy/log_fields.h"

namespace leastwise::agent {
namespace {

constexpr std::string_view kHttpFields =
    "leastwise id=%[var(txn.leastwise.id)] s=%s st=%ST Tw=%Tw Tc=%Tc Tr=%Tr Ta=%Ta tsc=%tsc "
    "B=%B U=%U rc=%rc %[var(txn.leastwise.more)]";
constexpr std::string_view kTcpFields =
    "leastwise id=%[var(txn.leastwise.id)] s=%s Tw=%Tw Tc=%Tc Tt=%Tt ts=%ts B=%B U=%U rc=%rc";

// HAProxy's own formats, by its manual, section 8.2.
constexpr std::string_view kHttpLog =
    "%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC %CS %tsc %ac/%fc/%bc/%sc/%rc %sq/%bq "
    "%hr %hs %{+Q}r";
constexpr std::string_view kHttpsLog =
    "%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC %CS %tsc %ac/%fc/%bc/%sc/%rc %sq/%bq "
    "%hr %hs %{+Q}r %[fc_err]/%[ssl_fc_err,hex]/%[ssl_c_err]/%[ssl_c_ca_err]/%[ssl_fc_is_resumed] "
    "%[ssl_fc_sni]/%sslv/%sslc";
constexpr std::string_view kClfLog =
    "%{+Q}o %{-Q}ci - - [%trg] %r %ST %B \"\" \"\" %cp %ms %ft %b %s %TR %Tw %Tc %Tr %Ta "
    "%tsc %ac %fc %bc %sc %rc %sq %bq %CC %CS %hrl %hsl";
constexpr std::string_view kTcpLog =
    "%ci:%cp [%t] %ft %b/%s %Tw/%Tc/%Tt %B %ts %ac/%fc/%bc/%sc/%rc %sq/%bq";
constexpr std::string_view kNoLog = "Connect from %ci:%cp to %fi:%fp (%ft)";

// Flags for all that follows are taken back, so that our fields are not quoted.
std::string_view plain_again(std::string_view format) noexcept {
  const bool is_quoted = format.find("%{+Q}o") != format.npos;
  const bool is_escaped = format.find("%{+E}o") != format.npos;
  if (!is_quoted && !is_escaped) return format.find("%{+Q,+E}o") == format.npos ? "" : "%{-Q,-E}o ";
  return is_quoted && is_escaped ? "%{-Q,-E}o " : is_quoted ? "%{-Q}o " : "%{-E}o ";
}

// Between quotes of a configuration file. Its ${VARIABLES} are meant to be expanded.
std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

bool is_json(std::string_view format) noexcept {
  return format.starts_with('{') && format.ends_with('}') && !format.starts_with("{+");
}

std::string inside_json(std::string_view format, std::string_view fields) {
  std::string out(format.substr(0, format.size() - 1));
  out += ",\"leastwise\":\"";
  out += fields;
  return out += "\"}";
}

std::string with_fields(std::string_view format, std::string_view fields) {
  if (is_json(format)) return inside_json(format, fields);
  std::string out(format);
  out += ' ';
  out += plain_again(format);
  return out += fields;
}

// The option of its own counts more than one of its defaults; that of HTTP means tcplog to TCP.
std::string_view named_format(const HaproxySection& frontend) noexcept {
  for (const auto find : {&HaproxySection::find_own, &HaproxySection::find}) {
    const HaproxyLine* http = (frontend.*find)({"option", "httplog"});
    const bool is_https = (frontend.*find)({"option", "httpslog"}) != nullptr;
    const bool is_tcp = (frontend.*find)({"option", "tcplog"}) != nullptr;
    if (http == nullptr && !is_https && !is_tcp) continue;
    if (is_tcp || !frontend.is_http()) return kTcpLog;
    if (is_https) return kHttpsLog;
    return http->word(2) == "clf" ? kClfLog : kHttpLog;
  }
  return kNoLog;
}

}  // namespace

std::string_view log_fields(bool is_http) noexcept { return is_http ? kHttpFields : kTcpFields; }

const HaproxyLine* own_log_format(const HaproxySection& frontend) noexcept {
  if (const HaproxyLine* own = frontend.find_own({"log-format"}); own != nullptr) return own;
  for (const std::string_view named : {"httplog", "httpslog", "tcplog"}) {
    if (frontend.find_own({"option", named}) != nullptr) return nullptr;
  }
  return frontend.find({"log-format"});
}

LogFormat with_log_fields(const HaproxySection& frontend) {
  const std::string_view fields = log_fields(frontend.is_http());
  const HaproxyLine* own = own_log_format(frontend);
  if (own != nullptr && own->text.find("txn.leastwise.id") != own->text.npos) return {};
  if (own != nullptr && own->text.find("+json") != own->text.npos) {
    return {
        .line = {},
        .note = "a log-format with %{+json}o has no place for our fields: write the braces out"};
  }
  const std::string_view format = own != nullptr ? own->word(1) : named_format(frontend);
  return {.line = "log-format " + quoted(with_fields(format, fields)), .note = {}};
}

}  // namespace leastwise::agent
