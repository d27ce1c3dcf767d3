# ./dev package: what is installed where, and the Debian package of it.
include(GNUInstallDirs)

install(TARGETS rollcall RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES packaging/debian/rollcall.service DESTINATION lib/systemd/system)
install(FILES README.md CHANGELOG.md docs/api.md docs/configuration.md docs/openapi.yaml DESTINATION ${CMAKE_INSTALL_DOCDIR})
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
