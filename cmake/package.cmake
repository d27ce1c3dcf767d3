# ./dev package: what is installed where, and the Debian package of it.
include(GNUInstallDirs)

# The binary describes itself: what is packaged can't be older than its subcommands.
set(package_texts ${CMAKE_BINARY_DIR}/package)
file(MAKE_DIRECTORY ${package_texts})
add_custom_command(
  OUTPUT ${package_texts}/rollcall.bash ${package_texts}/rollcall.1.gz
  COMMAND rollcall completion bash > ${package_texts}/rollcall.bash
  COMMAND rollcall man | gzip -9n > ${package_texts}/rollcall.1.gz
  DEPENDS rollcall COMMENT "Writing the manual page and the completion" VERBATIM)
add_custom_target(package_texts ALL DEPENDS ${package_texts}/rollcall.bash ${package_texts}/rollcall.1.gz)

install(TARGETS rollcall RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES packaging/debian/rollcall.service DESTINATION lib/systemd/system)
install(FILES ${package_texts}/rollcall.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME rollcall)
install(FILES ${package_texts}/rollcall.1.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES README.md CHANGELOG.md docs/api.md docs/configuration.md docs/openapi.yaml docs/operations.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME copyright)
install(FILES packaging/debian/rollcall.toml DESTINATION /etc/rollcall)

file(CONFIGURE OUTPUT package/conffiles CONTENT "/etc/rollcall/rollcall.toml\n" @ONLY)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME rollcall)
set(CPACK_PACKAGE_CONTACT "The Rollcall authors <rollcall@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "service registry and discovery server")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
"Knows which services are alive, how to reach them and what they hold. Services
register and send heartbeats over HTTP, or are found by probing ports; Orthanc
imaging servers are recognised. Everyone may ask, and see why something is gone.")
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
  ${CMAKE_SOURCE_DIR}/packaging/debian/postinst
  ${CMAKE_SOURCE_DIR}/packaging/debian/prerm
  ${CMAKE_SOURCE_DIR}/packaging/debian/postrm
  ${CMAKE_BINARY_DIR}/package/conffiles)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_SET_DESTDIR ON)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
include(CPack)
